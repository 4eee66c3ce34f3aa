// How a build came to its result, as `--metadata-file` gets it: from the daemon's record of the build, in the older of
// SLSA's two forms, which its readers know (docker/buildx build/provenance.go).
import type { Client, RecordedBlob } from "../../sdk/index.ts";

type Json = Record<string, unknown>;

const STATEMENT = "application/vnd.in-toto+json";
const PREDICATE = "in-toto.io/predicate-type";

/** `buildx.build.provenance` for each platform there is; `min` leaves out steps and times. */
export async function recordProvenance(
  client: Client,
  ref: string,
  mode: "min" | "max",
): Promise<Record<string, unknown>> {
  const [record] = await client.builder.history({ ref });
  const found = (record?.results ?? []).flatMap(({ platform, attestations }) => {
    const provenance = attestations.find(isProvenance);
    return provenance ? [{ platform, ...provenance }] : [];
  });
  const result: Record<string, unknown> = {};
  for (const { digest, annotations, platform } of found) {
    const predicate = JSON.parse(Buffer.from(await client.builder.blob(digest)).toString()) as Json;
    const isNew = annotations[PREDICATE] === "https://slsa.dev/provenance/v1";
    const shown = isNew ? olderForm(predicate) : predicate;
    if (mode === "min") {
      delete shown.buildConfig;
      delete shown.metadata;
    }
    result[`buildx.build.provenance${platform ? `/${platform}` : ""}`] = shown;
  }
  return result;
}

export const isProvenance = ({ mediaType, annotations }: RecordedBlob): boolean =>
  mediaType === STATEMENT && annotations[PREDICATE]?.startsWith("https://slsa.dev/provenance/") === true;

/** SLSA 1 as SLSA 0.2. */
function olderForm(predicate: Json): Json {
  const { buildDefinition = {}, runDetails = {} } = predicate as {
    buildDefinition?: Json;
    runDetails?: Json;
  };
  const {
    externalParameters = {},
    internalParameters = {},
    resolvedDependencies,
  } = buildDefinition as {
    externalParameters?: Json;
    internalParameters?: Json;
    resolvedDependencies?: unknown[];
  };
  const { configSource, request } = externalParameters as { configSource?: Json; request?: Json };
  const { buildConfig, ...environment } = internalParameters;
  const { path, ...source } = configSource ?? {};
  return {
    builder: { id: (runDetails.builder as Json | undefined)?.id ?? "" },
    buildType: "https://mobyproject.org/buildkit@v1",
    ...(resolvedDependencies && { materials: resolvedDependencies }),
    invocation: {
      configSource: { ...source, ...(path !== undefined && { entryPoint: path }) },
      parameters: request ?? {},
      environment: environment.builderPlatform ? { platform: environment.builderPlatform } : environment,
    },
    ...(buildConfig !== undefined && { buildConfig }),
    ...(runDetails.metadata !== undefined && { metadata: runDetails.metadata }),
  };
}

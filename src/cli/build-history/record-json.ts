// A build's record as Go's encoding/json writes BuildKit's message (api/services/control): what Docker Desktop reads.
import type { BuildRecord, Instant, RecordedBlob } from "../../sdk/index.ts";
import type { BundledRecord } from "./bundle.ts";

export function recordJson({ record, platform, state }: BundledRecord): object {
  const { errorCode, error, completed, results } = record;
  const only = results.find((result) => result.platform === "");
  const others = results.filter((result) => result.platform !== "");
  return withoutEmpty({
    Ref: record.ref,
    Frontend: record.frontend,
    FrontendAttrs: sorted(shownAttributes(record.attributes)),
    Exporters: record.outputs.map(({ type, attributes }) =>
      withoutEmpty({ Type: type, Attrs: sorted(attributes) }),
    ),
    error: error === undefined ? undefined : withoutEmpty({ code: errorCode, message: error }),
    CreatedAt: timeJson(record.created),
    CompletedAt: completed === undefined ? undefined : timeJson(completed),
    logs: blobJson(record.log),
    ExporterResponse: sorted(record.response),
    Result: only && resultJson(only),
    Results: Object.fromEntries(others.map((result) => [result.platform, resultJson(result)])),
    Generation: record.generation,
    trace: blobJson(record.trace),
    pinned: record.pinned,
    numCachedSteps: record.cachedSteps,
    numTotalSteps: record.totalSteps,
    numCompletedSteps: record.completedSteps,
    externalError: blobJson(record.failure),
    numWarnings: record.warnings,
    DefaultPlatform: platform,
    localState: state,
  });
}

/** Credentials of caches are nobody's business. */
function shownAttributes(attributes: Record<string, string>): Record<string, string> {
  const imports = attributes["cache-imports"];
  return imports === undefined ? attributes : { ...attributes, "cache-imports": shownImports(imports) };
}

function shownImports(text: string): string {
  try {
    const list = JSON.parse(text) as { Type: string; Attrs?: Record<string, string> }[];
    return JSON.stringify(
      list.map(({ Type, Attrs = {} }) => ({
        Type,
        Attrs: Object.fromEntries(
          Object.entries(Attrs).filter(([name]) => name === "scope" || name === "ref"),
        ),
      })),
    );
  } catch {
    return "";
  }
}

const resultJson = ({ attestations, images, image }: BuildRecord["results"][number]): object =>
  withoutEmpty({
    ResultDeprecated: blobJson(image),
    Attestations: attestations.map(blobJson),
    Results: Object.fromEntries(images.map((each) => [String(each.output), blobJson(each)])),
  });

function blobJson(blob: RecordedBlob | undefined): object | undefined {
  if (!blob) return undefined;
  const { mediaType, digest, size, annotations } = blob;
  return withoutEmpty({ media_type: mediaType, digest, size, annotations: sorted(annotations) });
}

const timeJson = (instant: Instant): object =>
  withoutEmpty({
    seconds: Number(instant / 1_000_000_000n),
    nanos: Number(instant % 1_000_000_000n),
  });

const sorted = (record: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && value !== null && Object.keys(value).length === 0);

const withoutEmpty = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));

// The frontend `dockerfile.v0`: a Dockerfile and the client's options become graphs, as BuildKit's own frontend makes them
// (frontend/dockerfile/builder).
import { notImplemented } from "../../base/errors.ts";
import { marshal } from "../../buildkit/llb/index.ts";
import { formatPlatformWithVersion, hostPlatform, normalizePlatform } from "../../oci/platform.ts";
import { familiarRepository, parseReference } from "../../oci/reference.ts";
import type { Platform } from "../../oci/types.ts";
import type { Frontend, FrontendAnswer, FrontendRequest } from "../frontend.ts";
import { type Linter, warningLine } from "./checks/index.ts";
import { type ClientFiles, openClientFiles } from "./convert/context.ts";
import { type Converted, type ConvertRequest, convertDockerfile } from "./convert/convert.ts";
import { located } from "./convert/located-error.ts";
import { type BuildOptions, parseBuildOptions, refuseUnknownCapabilities } from "./convert/options.ts";
import { imageResolver } from "./convert/resolver.ts";
import { sourceInfoOf } from "./convert/stage-build.ts";
import { answerSubrequest } from "./convert/subrequests.ts";
import { linterFor, textOf } from "./plan/index.ts";
import { DockerfileError } from "./source.ts";
import { detectSyntax } from "./syntax/index.ts";

export { LocatedError } from "./convert/located-error.ts";

/**
 * Builds a Dockerfile's graphs, one a platform. Errors: LocatedError where lines of the file are to blame, invalid for
 * options, not-implemented for another frontend that a file asks for, what solving and resolving give.
 */
export const dockerfileFrontend: Frontend = async (request) => {
  refuseUnknownCapabilities(request.options.get("frontend.caps") ?? "");
  const options = parseBuildOptions(request.options, request.session);
  const files = await openClientFiles(request, options);
  try {
    return await answer(request, options, files);
  } catch (thrown) {
    throw located(thrown, sourceInfoOf(files.entrypoint.file));
  }
};

async function answer(
  request: FrontendRequest,
  options: BuildOptions,
  files: ClientFiles,
): Promise<FrontendAnswer> {
  const text = textOf(files.entrypoint.data);
  refuseOtherFrontends(text, options);
  const [first = normalizePlatform(hostPlatform()), ...others] = request.bridge.platforms;
  const shared = {
    request,
    options,
    files,
    resolve: imageResolver(request.bridge),
    buildPlatforms: [first, ...others] as const,
  };
  const convert = (targetPlatform: Platform | undefined, extra: Partial<ConvertRequest> = {}) =>
    convertDockerfile({
      ...shared,
      buildPlatforms: [...shared.buildPlatforms],
      linter: linterFor(text, options.checks),
      ...(targetPlatform && { targetPlatform }),
      ...extra,
    });
  const tell = (linter: Linter) => tellWarnings(request, files, linter);
  const subrequest = await answerSubrequest(shared, convert, tell);
  if (subrequest) return subrequest;
  const targets = options.platforms.length > 0 ? options.platforms : [undefined];
  const results = await Promise.all(
    targets.map(async (target, index) => {
      const linter = linterFor(text, options.checks);
      try {
        return await convert(target, { linter });
      } finally {
        // Other platforms have the same to tell.
        if (index === 0) tell(linter);
      }
    }),
  );
  return answerOf(results, targets, options);
}

/** Images of Docker's own frontend are built in; any other would have to run. */
const OWN_FRONTENDS = new Set(["docker/dockerfile", "docker/dockerfile-upstream"]);

function refuseOtherFrontends(text: string, { raw }: BuildOptions): void {
  const given = raw.get("source") || raw.get("build-arg:BUILDKIT_SYNTAX")?.trim().split(" ", 1)[0];
  const written = given ? undefined : detectSyntax(text);
  const reference = given || written?.reference;
  if (!reference || isOwn(reference)) return;
  const refusal = notImplemented(
    `the frontend ${reference} can't be run: docker/dockerfile is built in, other images of frontends are not supported`,
  );
  throw written ? new DockerfileError(refusal.message, [written.lines], refusal) : refusal;
}

function isOwn(reference: string): boolean {
  try {
    return OWN_FRONTENDS.has(familiarRepository(parseReference(reference)));
  } catch {
    return false;
  }
}

function tellWarnings({ bridge }: FrontendRequest, { entrypoint }: ClientFiles, linter: Linter): void {
  const source = sourceInfoOf(entrypoint.file);
  for (const warning of linter.warnings)
    bridge.warn({
      ...(entrypoint.vertex && { vertex: entrypoint.vertex }),
      level: 1,
      short: warningLine(warning),
      detail: [warning.description],
      url: warning.url,
      source,
      ranges: warning.ranges.map(({ start, end }) => ({ start: start.line, end: end.line })),
    });
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Keys of exporter/containerimage/exptypes. */
function answerOf(
  results: readonly Converted[],
  targets: readonly (Platform | undefined)[],
  { multiPlatform }: BuildOptions,
): FrontendAnswer {
  const definitions: FrontendAnswer["definitions"] = new Map();
  const metadata = new Map<string, Uint8Array>();
  const platforms = results.map(({ tree, image, platform, target, epoch }, index) => {
    const own = normalizePlatform(targets[index] ?? hostPlatform());
    const id = formatPlatformWithVersion(own);
    const suffix = multiPlatform ? `/${id}` : "";
    const definition = tree.step && marshal(tree, { platform });
    definitions.set(multiPlatform ? id : "", definition);
    metadata.set(`containerimage.config${suffix}`, json(image));
    if (target.baseImage) metadata.set(`containerimage.base.config${suffix}`, json(target.baseImage));
    if (epoch) metadata.set(`source.date.epoch${suffix}`, new TextEncoder().encode(String(epoch.seconds)));
    return { ID: id, Platform: own };
  });
  metadata.set("refs.platforms", json({ Platforms: platforms }));
  return { definitions, metadata };
}

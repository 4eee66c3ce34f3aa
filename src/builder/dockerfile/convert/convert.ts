// A Dockerfile as a graph for one platform: stages that the target needs, their bases, their instructions as steps
// (dockerfile2llb/convert.go).
import { deferred, scratch, type Tree } from "../../../buildkit/llb/index.ts";
import { cleanPath, createMatcher } from "../../../buildkit/patterns/index.ts";
import type { ImageConfig, Platform } from "../../../oci/types.ts";
import type { Linter } from "../checks/index.ts";
import { quote } from "../go-text.ts";
import { type DockerfilePlan, planDockerfile, type StepContext, textOf } from "../plan/index.ts";
import { DockerfileError } from "../source.ts";
import type { ClientFiles } from "./context.ts";
import { checkCopiedScripts } from "./copied-scripts.ts";
import { type Epoch, epochOf } from "./epoch.ts";
import { finishImage } from "./image-config.ts";
import { type ContextSource, hasNamedContext } from "./named-context.ts";
import { type Origins, prepareStages, usedPaths } from "./origins.ts";
import { buildStage, replacedStage } from "./stage.ts";
import type { Conversion, StageBuild } from "./stage-build.ts";

export interface ConvertRequest extends ContextSource {
  readonly files: ClientFiles;
  readonly linter: Linter;
  /** undefined: the host's own, or what runs here of what an image has. */
  readonly targetPlatform?: Platform;
  readonly buildPlatforms: readonly [Platform, ...Platform[]];
  /** Every stage, for checks: not only what the target needs. */
  readonly allStages?: boolean;
}

export interface Converted {
  readonly plan: DockerfilePlan;
  readonly target: StageBuild;
  readonly tree: Tree;
  readonly image: ImageConfig;
  /** What steps run on that say no other. */
  readonly platform: Platform;
  readonly epoch?: Epoch;
  /** All stages that were built, by their indexes. */
  readonly stages: ReadonlyMap<number, StageBuild>;
}

/** Errors: DockerfileError, LocatedError. */
export async function convertDockerfile(request: ConvertRequest): Promise<Converted> {
  const { options, files, linter, buildPlatforms } = request;
  const [buildPlatform] = buildPlatforms;
  const { targetPlatform = buildPlatform } = request;
  const { data } = files.entrypoint;
  if (data.length === 0) throw new DockerfileError("the Dockerfile cannot be empty");
  const inputs = {
    buildArgs: options.buildArgs,
    buildPlatform,
    targetPlatform,
    target: options.target,
    hasContext: (name: string, platform: Platform) => hasNamedContext(options, name, platform),
  };
  const plan = planDockerfile(textOf(data), inputs, linter);
  const epoch = epochOf(options.buildArgs, plan.globals.values);
  // Asked for at once with the images; whoever awaits it later gets its error.
  files.ignorePatterns().catch(() => undefined);
  const origins = await prepareStages(plan, request, targetPlatform);
  const { stages, build } = await buildStages(request, plan, origins, epoch);
  const target = stages.get(plan.target.index);
  if (!target) throw new Error(`stage ${quote(plan.target.label)} was not built`);
  target.paths.add("/");
  // Checks alone don't ask for the context.
  if (!request.allStages) {
    const { bridge } = request.request;
    const scripts = build.copiedScripts;
    const folder = deferred(() => files.scripts(usedPaths(new Set(scripts.map(({ path }) => path)))));
    await checkCopiedScripts(scripts, folder, targetPlatform, bridge, linter);
  }
  const failure = linter.error();
  if (failure) throw failure;
  const image = finishImage(target.state.image, options.labels, request.targetPlatform);
  return {
    plan,
    target,
    tree: target.tree,
    image,
    platform: targetPlatform,
    stages,
    ...(epoch && { epoch }),
  };
}

async function buildStages(
  request: ConvertRequest,
  plan: DockerfilePlan,
  origins: Origins,
  epoch: Epoch | undefined,
): Promise<{ stages: Map<number, StageBuild>; build: Conversion }> {
  const { options, files } = request;
  const contextPaths = new Set<string>();
  const built = new Map<number, StageBuild>();
  const build: Conversion = {
    plan,
    options,
    file: files.entrypoint.file,
    context: await stepContext(request, plan, epoch),
    buildContext: deferred(() => files.context(usedPaths(contextPaths))),
    contextPaths,
    copiedScripts: [],
    originOf: (origin) => {
      const used = origin.kind === "stage" ? built.get(origin.index) : origins.images.get(origin);
      return used ?? { tree: scratch(), paths: new Set() };
    },
    ...(epoch && { epoch: epoch.seconds }),
  };
  for (const planned of origins.stages) {
    const { index, base } = planned;
    if (!origins.needed.has(index)) continue;
    const below = base.kind === "stage" ? built.get(base.index) : origins.bases.get(index);
    if (!below) throw new Error(`stage ${quote(planned.label)} has no base`);
    const paths = origins.paths[index]!;
    const stage =
      origins.replaced.has(index) && !("state" in below)
        ? replacedStage(planned, below, paths, build)
        : buildStage(planned, below, paths, build, built);
    built.set(index, stage);
  }
  return { stages: built, build };
}

async function stepContext(
  { options, files, linter }: ConvertRequest,
  { escape: escapeToken, globals }: DockerfilePlan,
  epoch: Epoch | undefined,
): Promise<StepContext> {
  const patterns = await files.ignorePatterns();
  const matcher = patterns.length > 0 ? createMatcher(patterns) : undefined;
  return {
    escape: escapeToken,
    globals,
    buildArgs: options.buildArgs,
    linter,
    ...(matcher && { isIgnored: (path: string) => matcher.matches(cleanPath(path)) }),
    ...(epoch && { created: epoch.text }),
  };
}

// `docker build --check`: all warnings of a Dockerfile, and the error that a build of it would end with, without
// building anything.
import { formatPlatformWithVersion, normalizePlatform } from "../../oci/platform.ts";
import type { ImageConfig, Platform } from "../../oci/types.ts";
import type { Linter, Warning } from "./checks/index.ts";
import { quote } from "./go-text.ts";
import { type FromInstruction, resolveMount } from "./instructions/index.ts";
import {
  type DockerfilePlan,
  emptyImage,
  linkStep,
  linterFor,
  type PlanInputs,
  type PlannedStage,
  parseTrigger,
  planDockerfile,
  reachableStages,
  type StageState,
  type Step,
  stateOfImage,
  stateOfStage,
  takeStep,
  triggersOf,
} from "./plan/index.ts";
import { DockerfileError } from "./source.ts";

export interface CheckInputs extends PlanInputs {
  /** BUILDKIT_DOCKERFILE_CHECK. */
  readonly checks?: string;
  /** The configuration of a base image by the name in FROM; undefined: it isn't known, and taken as empty. */
  readonly imageOf?: (name: string, platform: Platform) => ImageConfig | undefined;
  /** Whether `.dockerignore` excludes a path of the build context. */
  readonly isIgnored?: (path: string) => boolean;
}

export interface CheckResult {
  readonly warnings: readonly Warning[];
  readonly error?: DockerfileError;
}

/** Checks the target's stages; all of them when no target is asked for. */
export function checkDockerfile(text: string, inputs: CheckInputs): CheckResult {
  let linter: Linter | undefined;
  try {
    linter = linterFor(text, inputs.checks);
    walk(planDockerfile(text, inputs, linter), inputs);
    const error = linter.error();
    return { warnings: linter.warnings, ...(error && { error }) };
  } catch (thrown) {
    if (!(thrown instanceof DockerfileError)) throw thrown;
    return { warnings: linter?.warnings ?? [], error: thrown };
  }
}

function walk(plan: DockerfilePlan, inputs: CheckInputs): void {
  const wanted =
    inputs.target === ""
      ? new Set(plan.stages.map(({ index }) => index))
      : reachableStages(plan.stages, plan.target);
  const states = new Map<number, StageState>();
  for (const stage of plan.stages)
    if (wanted.has(stage.index)) states.set(stage.index, walkStage(stage, plan, inputs, states));
}

function walkStage(
  stage: PlannedStage,
  plan: DockerfilePlan,
  inputs: CheckInputs,
  done: ReadonlyMap<number, StageState>,
): StageState {
  const { state: start, triggers } = begin(stage, plan, inputs, done);
  const triggered = triggers.map((expression) =>
    linkStep(parseTrigger(expression, stage.stage.from.lines), plan.table, "\\", true),
  );
  const { buildArgs, isIgnored } = inputs;
  const context = { escape: plan.escape, globals: plan.globals, linter: plan.linter, buildArgs, isIgnored };
  return [...triggered, ...stage.steps].reduce((state, step) => {
    refuseLaterStages(step, stage, done);
    return takeStep(state, step.instruction, context).state;
  }, start);
}

function begin(
  { base, stage, platform: wanted, baseName }: PlannedStage,
  plan: DockerfilePlan,
  inputs: CheckInputs,
  done: ReadonlyMap<number, StageState>,
): { state: StageState; triggers: string[] } {
  const below = base.kind === "stage" ? done.get(base.index) : undefined;
  if (base.kind === "stage" && below)
    return { state: stateOfStage(below), triggers: triggersOf(plan.stages[base.index]!.stage.instructions) };
  const platform = wanted ?? inputs.targetPlatform;
  const image = base.kind === "image" ? inputs.imageOf?.(baseName, platform) : undefined;
  if (!image) return { state: stateOfImage(emptyImage(platform)), triggers: [] };
  checkBasePlatform(stage.from, baseName, platform, image, plan.linter);
  return { state: stateOfImage(image), triggers: [...(image.config?.OnBuild ?? [])] };
}

/** Tells of a base image that is another platform's than was asked for. */
export function checkBasePlatform(
  from: FromInstruction,
  name: string,
  expected: Platform,
  actual: Platform,
  linter: Linter,
): void {
  if (expected.os === actual.os && expected.architecture === actual.architecture) return;
  const text = ({ os, architecture, variant }: Platform) =>
    formatPlatformWithVersion(normalizePlatform({ os, architecture, ...(variant && { variant }) }));
  linter.report("InvalidBaseImagePlatform", from.lines, name, text(expected), text(actual));
}

/** A stage can take from those before it alone. Errors: DockerfileError. */
export function refuseLaterStages(
  { instruction, sources }: Step,
  stage: PlannedStage,
  done: Pick<ReadonlyMap<number, unknown>, "has">,
): void {
  for (const [index, source] of sources.entries()) {
    if (source.kind !== "stage" || done.has(source.index)) continue;
    if (instruction.kind === "copy")
      throw new DockerfileError(
        `cannot copy from stage ${quote(instruction.from)}, it needs to be defined before current stage ${quote(stage.label)}`,
        [instruction.lines],
      );
    const mount = instruction.kind === "run" ? instruction.mounts[index] : undefined;
    if (mount) {
      const { target } = resolveMount(mount.text, (value) => value);
      throw new DockerfileError(
        `cannot mount from stage ${quote(mount.from)} to ${quote(target)}, stage needs to be defined before current command`,
        [instruction.lines],
      );
    }
  }
}

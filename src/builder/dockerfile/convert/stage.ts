// One stage: its beginning, and its instructions as steps.
import { file, mkdir } from "../../../buildkit/llb/index.ts";
import { refuseLaterStages } from "../check.ts";
import {
  countSteps,
  instructionName,
  type PlannedStage,
  runConfig,
  type Step,
  type StepResult,
  stageLabel,
  stateOfImage,
  stateOfStage,
  takeStep,
} from "../plan/index.ts";
import type { LoadedBase } from "./base.ts";
import { located } from "./located-error.ts";
import { convertRun } from "./run.ts";
import {
  type Conversion,
  locationsOf,
  nameOf,
  nextNumber,
  type StageBuild,
  sourceInfoOf,
} from "./stage-build.ts";
import { convertTransfer } from "./transfer.ts";

/** What is built already, by the stages' indexes. */
export type Built = ReadonlyMap<number, StageBuild>;

/** A stage on a loaded base. Errors: LocatedError. */
export function buildStage(
  planned: PlannedStage,
  base: LoadedBase | StageBuild,
  paths: Set<string>,
  build: Conversion,
  built: Built,
): StageBuild {
  const first = beginStage(planned, base, paths, build);
  return planned.steps.reduce((stage, step) => {
    try {
      refuseLaterStages(step, planned, built);
      return convertStep(stage, step, build);
    } catch (thrown) {
      throw located(thrown, sourceInfoOf(build.file), step.instruction.lines);
    }
  }, first);
}

/** A stage whose place a context takes: its instructions don't count. */
export const replacedStage = (
  planned: PlannedStage,
  base: LoadedBase,
  paths: Set<string>,
  build: Conversion,
): StageBuild => beginStage({ ...planned, steps: [] }, base, paths, build);

function beginStage(
  planned: PlannedStage,
  base: LoadedBase | StageBuild,
  paths: Set<string>,
  { plan, options }: Conversion,
): StageBuild {
  const onStage = "state" in base;
  const triggers = planned.steps.filter(({ triggered }) => triggered).length;
  const baseImage = onStage ? base.baseImage : base.original;
  return {
    planned,
    label: stageLabel(plan.stages, planned),
    total: countSteps(planned, triggers),
    number: !onStage && base.numbered ? 1 : 0,
    tree: base.tree,
    paths,
    state: onStage ? stateOfStage(base.state) : stateOfImage(base.image),
    platform: base.platform,
    noCache: options.isNoCache(planned.stage.from.name),
    ...(baseImage && { baseImage }),
  };
}

function convertStep(stage: StageBuild, step: Step, build: Conversion): StageBuild {
  const result = takeStep(stage.state, step.instruction, build.context);
  const { instruction, state } = result;
  switch (instruction.kind) {
    case "run":
      return convertRun(stage, step, instruction, result, build);
    case "copy":
    case "add":
      return convertTransfer(stage, step, instruction, result, build);
    case "workdir":
      return convertWorkdir(stage, step, result, build);
    default:
      return { ...stage, state };
  }
}

/** The folder is made, for the stage's user; `/` is there. */
function convertWorkdir(
  before: StageBuild,
  step: Step,
  { state }: StepResult,
  build: Conversion,
): StageBuild {
  const { WorkingDir: path = "/", User = "" } = runConfig(state);
  if (path === "/") return { ...before, state };
  const stage = { ...nextNumber(before), state };
  const text = instructionName(step.instruction, state.variables, build.plan.escape);
  const { epoch } = build;
  const change = mkdir(path, {
    parents: true,
    ...(User && { owner: User }),
    ...(epoch !== undefined && { time: epoch * 1000 }),
  });
  const tree = file(before.tree, change, {
    name: nameOf(stage, step, text, build),
    locations: locationsOf(build, step.instruction.lines),
  });
  return { ...stage, tree };
}

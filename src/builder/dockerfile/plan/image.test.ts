// The configuration and history of images, and the names of steps, beside what Docker made of the same Dockerfiles.
import { expect, test } from "bun:test";
import type { ImageRunConfig } from "../../../oci/types.ts";
import type { CheckCase } from "../check.cases.ts";
import { IMAGE_CASES } from "./image.cases.ts";
import recorded from "./image.recorded.json";
import {
  countSteps,
  emptyImage,
  instructionName,
  linkStep,
  linterFor,
  type PlannedStage,
  parseTrigger,
  planDockerfile,
  reachableStages,
  runConfig,
  type StageState,
  stageLabel,
  stateOfImage,
  stateOfStage,
  stepName,
  takeStep,
  triggersOf,
} from "./index.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };
const SHOWN = new Set(["run", "copy", "add", "workdir"]);

/** A build without files: what the image says of itself, and the steps' names. */
function build({ dockerfile, buildArgs = {} }: CheckCase) {
  const args = new Map(Object.entries(buildArgs));
  const inputs = { buildArgs: args, buildPlatform: PLATFORM, targetPlatform: PLATFORM, target: "" };
  const plan = planDockerfile(dockerfile, inputs, linterFor(dockerfile));
  const reached = reachableStages(plan.stages, plan.target);
  const states = new Map<number, StageState>();
  const steps: string[] = [];
  const context = { escape: plan.escape, globals: plan.globals, buildArgs: args };
  const stageOf = (stage: PlannedStage) => {
    const below = stage.base.kind === "stage" ? stage.base.index : -1;
    const triggers = below < 0 ? [] : triggersOf(plan.stages[below]!.stage.instructions);
    const all = [
      ...triggers.map((text) => linkStep(parseTrigger(text, stage.stage.from.lines), plan.table, "\\", true)),
      ...stage.steps,
    ];
    const total = countSteps(stage, triggers.length);
    let number = 0;
    let state = below < 0 ? stateOfImage(emptyImage(PLATFORM)) : stateOfStage(states.get(below)!);
    for (const { instruction, triggered } of all) {
      const name = instructionName(instruction, state.variables, plan.escape);
      state = takeStep(state, instruction, context).state;
      // WORKDIR / counts among a stage's steps, though there is nothing to do.
      const idle = instruction.kind === "workdir" && runConfig(state).WorkingDir === "/";
      if (!SHOWN.has(instruction.kind) || idle) continue;
      number++;
      const label = stageLabel(plan.stages, stage);
      steps.push(stepName({ stage: label, number, total, triggered }, name));
    }
    return state;
  };
  for (const stage of plan.stages) if (reached.has(stage.index)) states.set(stage.index, stageOf(stage));
  return { state: states.get(plan.target.index)!, steps };
}

/** Go leaves out what is empty. */
const present = (config: ImageRunConfig): object =>
  Object.fromEntries(
    Object.entries(config).filter(
      ([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );

const CASES = IMAGE_CASES.map((made, index) => [made.dockerfile, made, recorded[index]!] as const);

test.each(CASES)("%j makes Docker's image", (_, made, docker) => {
  const { state, steps } = build(made);
  expect(present(state.image.config ?? {})).toEqual(present(docker.config as unknown as ImageRunConfig));
  expect((state.image.history ?? []).map((entry) => entry.created_by ?? "")).toEqual(docker.history);
  const own = docker.steps.filter((name) => !name.startsWith("[internal]"));
  expect([...new Set(steps)].sort()).toEqual([...new Set(own)].sort());
});

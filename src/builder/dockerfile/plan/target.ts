// Which stages a build needs: the target by its name, and all that it is built from.
import { quote } from "../go-text.ts";
import { DockerfileError } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import type { PlannedStage } from "./types.ts";

/** The stage of `--target`; the last one without. Of several of one name the last. Errors: DockerfileError. */
export function selectTarget(stages: readonly PlannedStage[], target: string): PlannedStage {
  const found = target === "" ? stages.at(-1) : stageNamed(stages, target);
  if (found) return found;
  const labels = stages.map(({ label }) => label);
  throw new DockerfileError(didYouMean(`target stage ${quote(target)} could not be found`, target, labels));
}

/** Names count without their case. */
export const stageNamed = (stages: readonly PlannedStage[], name: string): PlannedStage | undefined =>
  name === "" ? undefined : stages.findLast(({ stage }) => stage.from.name === name.toLowerCase());

/** Indexes of the stages that come before this one: its base, and what it copies and mounts from. */
export function dependenciesOf(stage: PlannedStage): number[] {
  const origins = [stage.base, ...stage.steps.flatMap(({ sources }) => sources)];
  const indexes = origins.flatMap((origin) => (origin.kind === "stage" ? [origin.index] : []));
  return [...new Set(indexes)];
}

/** Indexes of all stages that the target needs, itself too. */
export function reachableStages(stages: readonly PlannedStage[], target: PlannedStage): Set<number> {
  const reached = new Set<number>();
  const waiting = [target];
  for (let stage = waiting.pop(); stage; stage = waiting.pop()) {
    if (reached.has(stage.index)) continue;
    reached.add(stage.index);
    waiting.push(...dependenciesOf(stage).flatMap((index) => stages[index] ?? []));
  }
  return reached;
}

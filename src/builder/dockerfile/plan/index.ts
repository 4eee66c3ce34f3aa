// Plans: what a build of a Dockerfile consists of, without doing any of it.
export { contextNames } from "./contexts.ts";
export { type GitSource, isHttpSource, parseGitSource } from "./git-source.ts";
export {
  type GlobalScope,
  globalScope,
  type Proxies,
  platformArgs,
  proxiesOf,
  type Values,
} from "./global-args.ts";
export { linkStep } from "./link.ts";
export { destinationPath, mountTarget, workdirPath } from "./paths.ts";
export { linterFor, planDockerfile, textOf } from "./plan.ts";
export {
  countSteps,
  instructionName,
  internalName,
  metadataName,
  type StepPlace,
  stageLabel,
  stepName,
} from "./progress.ts";
export type { RunCommand } from "./run-command.ts";
export { emptyImage, runConfig, type StageState, stateOfImage, stateOfStage } from "./state.ts";
export { type StepContext, type StepResult, shellOf, takeStep } from "./step.ts";
export { dependenciesOf, reachableStages, selectTarget, stageNamed } from "./target.ts";
export { parseTrigger, triggersOf } from "./triggers.ts";
export type * from "./types.ts";

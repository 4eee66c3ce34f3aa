// A stage while its instructions become steps.
import { posix } from "node:path";
import { type SourceFile, type SourceLocation, sourceInfo, type Tree } from "../../../buildkit/llb/index.ts";
import type { SourceInfo } from "../../../buildkit/messages/ops_pb.ts";
import { cleanPath } from "../../../buildkit/patterns/index.ts";
import type { ImageConfig, Platform } from "../../../oci/types.ts";
import {
  type DockerfilePlan,
  type Origin,
  type PlannedStage,
  type StageState,
  type Step,
  type StepContext,
  stepName,
} from "../plan/index.ts";
import { type Lines, rangesOf } from "../source.ts";
import type { CopiedFile } from "./copied-scripts.ts";
import type { BuildOptions } from "./options.ts";

/** What all stages of one platform's build share. */
export interface Conversion {
  readonly plan: DockerfilePlan;
  readonly options: BuildOptions;
  readonly file: SourceFile;
  readonly context: StepContext;
  /** The build context; it is decided last, when all paths are known that are used of it. */
  readonly buildContext: Tree;
  readonly contextPaths: Set<string>;
  /** What is copied of it, file by file, that could be a script. */
  readonly copiedScripts: CopiedFile[];
  /** The tree and the used paths of where a step takes from. Errors: DockerfileError, for a stage that isn't built yet. */
  originOf(origin: Origin): UsedTree;
  /** Seconds since 1970, of SOURCE_DATE_EPOCH. */
  readonly epoch?: number;
}

/** A tree, and the paths of it that others take. */
export interface UsedTree {
  readonly tree: Tree;
  readonly paths: Set<string>;
}

export interface StageBuild extends UsedTree {
  readonly planned: PlannedStage;
  /** In names of steps; "" when it is alone. */
  readonly label: string;
  readonly total: number;
  /** Of the last named step. */
  readonly number: number;
  readonly state: StageState;
  readonly platform: Platform;
  readonly noCache: boolean;
  /** The image below all of it, as it was. */
  readonly baseImage?: ImageConfig;
}

export const nextNumber = (stage: StageBuild): StageBuild => ({ ...stage, number: stage.number + 1 });

/** `[stage 2/5] text`, for the stage's current number. */
export function nameOf(
  stage: StageBuild,
  { triggered }: Pick<Step, "triggered">,
  text: string,
  build: Conversion,
) {
  const { label, number, total, platform, state } = stage;
  const several = build.options.multiPlatform && {
    platform: { own: platform, variables: state.variables },
  };
  return stepName({ stage: label, number, total, triggered, ...several }, text);
}

export const locationsOf = (build: Conversion, lines: Lines): SourceLocation[] => [
  { file: build.file, ranges: rangesOf(lines) },
];

/** The path from the root, clean, without a slash at its end. */
export const rooted = (path: string): string => posix.join("/", cleanPath(path));

export const sourceInfoOf = (file: SourceFile): SourceInfo => sourceInfo(file);

// The vocabulary of plans: stages linked to what they are built from.
import type { Platform } from "../../../oci/types.ts";
import type { Linter } from "../checks/index.ts";
import type { Dockerfile, Instruction, Stage } from "../instructions/index.ts";
import type { DockerfileSyntax } from "../syntax/index.ts";
import type { Escape } from "../words/index.ts";
import type { GlobalScope, Values } from "./global-args.ts";

/** Where files come from: a stage of this file by its index, an image or named context by its name, or nothing. */
export type Origin =
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly name: string }
  | { readonly kind: "scratch" };

/** What a stage begins with; `context`: a named context of the client takes the whole stage's place. */
export type Base = Origin | { readonly kind: "context"; readonly name: string };

/** An instruction in its stage, with the sources of COPY's `--from`, or of each of RUN's mounts, in order. */
export interface Step {
  readonly instruction: Instruction;
  /** Of a RUN one for each mount; without `from` that is scratch, and the mount's type says what it means. */
  readonly sources: readonly Origin[];
  /** Of an ONBUILD trigger. */
  readonly triggered: boolean;
}

export interface PlannedStage {
  readonly index: number;
  readonly stage: Stage;
  /** For messages and progress: its name, or `stage-N`. */
  readonly label: string;
  readonly base: Base;
  /** The base's name, variables expanded; an image's not yet normalised. */
  readonly baseName: string;
  /** Of `--platform`. */
  readonly platform?: Platform;
  readonly steps: readonly Step[];
}

/** Finds stages by their names, in lower case, the last of a name; and by number below `count`. */
export interface StageTable {
  readonly names: ReadonlyMap<string, number>;
  readonly count: number;
}

export interface PlanInputs {
  /** `--build-arg`. */
  readonly buildArgs: Values;
  readonly buildPlatform: Platform;
  readonly targetPlatform: Platform;
  /** A stage's name or number; "": the last one. */
  readonly target: string;
  /** Whether the client has a context under the name of a stage; see contextNames. */
  readonly hasContext?: (stageName: string, platform: Platform) => boolean;
}

export interface DockerfilePlan {
  readonly syntax: DockerfileSyntax;
  readonly dockerfile: Dockerfile;
  readonly escape: Escape;
  readonly globals: GlobalScope;
  readonly stages: readonly PlannedStage[];
  readonly table: StageTable;
  readonly target: PlannedStage;
  readonly linter: Linter;
}

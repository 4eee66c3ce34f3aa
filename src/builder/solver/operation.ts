// What the solver asks of a kind of operation. Sources find or bring a tree; the others make trees of their inputs.
import type { PathSelector } from "../../store/index.ts";
import type { LeaseId, SnapshotId } from "../../store/types.ts";
import type { RecordType } from "../cache/records.ts";
import type { Ref } from "../types.ts";
import type { VertexProgress } from "./progress.ts";

export interface RunContext {
  inputs: readonly (Ref | undefined)[];
  /** Holds what is made until a record does. */
  lease: LeaseId;
  progress: VertexProgress;
  signal: AbortSignal;
}

/** An operation that makes trees: its result is kept. */
export interface Step {
  kind: "step";
  /** What counts of the operation for its key. */
  operation: string;
  /** Inputs that count by what is at these paths of them, by their numbers; the others count by their keys. */
  selectors: ReadonlyMap<number, PathSelector[]>;
  recordType?: RecordType;
  /** Makes the outputs, in their order; null: nothing. */
  run(context: RunContext): Promise<(SnapshotId | null)[]>;
}

export interface OpenedSource {
  ref: Ref;
  cached: boolean;
  /** A folder of the host's: it becomes a snapshot only for who can't take it as it is. */
  isFolder?: boolean;
}

/** An operation that finds a tree. */
export interface Source {
  kind: "source";
  /** Called once in a build; may take long. `cached` tells whether all of it was here. */
  open(context: { progress: VertexProgress; signal: AbortSignal; lease: LeaseId }): Promise<OpenedSource>;
}

export type Operation = Step | Source;

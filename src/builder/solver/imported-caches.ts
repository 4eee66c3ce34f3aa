// What the solver asks of caches that a build imports: keys, and records made of what they have.
import type { LeaseId } from "../../store/types.ts";
import type { BuildRecord } from "../cache/records.ts";
import type { ImageIdentity } from "../types.ts";
import type { Vertex } from "./graph.ts";
import type { VertexProgress } from "./progress.ts";

export interface BringContext {
  /** The vertex's, which begins when something is found: what is brought is shown as its parts. */
  progress: VertexProgress;
  vertex: Vertex;
  /** Of a source; undefined: it is no image. */
  imageOf(vertex: Vertex): Promise<ImageIdentity | undefined>;
  lease: LeaseId;
  signal: AbortSignal;
}

export interface ImportedCaches {
  /** The key that what a step can be told by at once leads to. */
  keyOf(alias: string): Promise<string | undefined>;
  /** The record of a key, its layers here; undefined where none is or it can't be brought: the step runs then. */
  bring(key: string, context: BringContext): Promise<BuildRecord | undefined>;
}

// A failure and the vertex that failed: what a client shows with the lines of the Dockerfile that it comes from.
import { BerthError, messageOf } from "../../base/errors.ts";
import type { Vertex } from "./graph.ts";

export class VertexError extends Error {
  override readonly name = "VertexError";
  constructor(
    readonly vertex: Vertex,
    override readonly cause: unknown,
  ) {
    super(messageOf(cause));
  }
}

/** A step's process that ended with another status than it may. */
export class ExitError extends BerthError {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super("system", message);
  }
}

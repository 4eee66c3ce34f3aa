// A failure and the vertex that failed: what a client shows with the lines of the Dockerfile that it comes from.
import { ConnectError } from "@connectrpc/connect";
import { BerthError, firstThrown, messageOf } from "../../base/errors.ts";
import type { Vertex } from "./graph.ts";

/** Without the code that gRPC's errors have in front. */
export function wordsOf(thrown: unknown): string {
  const first = firstThrown(thrown);
  return first instanceof ConnectError ? first.rawMessage : messageOf(first);
}

export class VertexError extends Error {
  override readonly name = "VertexError";
  constructor(
    readonly vertex: Vertex,
    override readonly cause: unknown,
  ) {
    super(wordsOf(cause));
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

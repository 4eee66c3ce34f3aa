// A failed build in the words of Docker's first builder, which clients match on.
import { firstThrown, messageOf } from "../../base/errors.ts";
import { LocatedError } from "../dockerfile/frontend.ts";
import { ExitError, VertexError } from "../solver/errors.ts";
import type { Vertex } from "../solver/graph.ts";
import type { ClassicStep } from "./steps.ts";

export interface Failure {
  message: string;
  /** Exit status of a RUN. */
  code?: number;
}

/** Where an error says that it belongs. */
export function placeOf(thrown: unknown): { vertex?: Vertex; line?: number } {
  const first = firstThrown(thrown);
  if (first instanceof VertexError) return { vertex: first.vertex };
  const line = first instanceof LocatedError ? first.places[0]?.[0]?.start.line : undefined;
  return line === undefined ? {} : { line };
}

export function failureOf(thrown: unknown, step: ClassicStep | undefined): Failure {
  const first = firstThrown(thrown);
  const cause = first instanceof VertexError ? firstThrown(first.cause) : first;
  if (first instanceof VertexError && cause instanceof ExitError) {
    const { op } = first.vertex.op;
    const words = op.case === "exec" ? (op.value.meta?.args ?? []) : [];
    const { code } = cause;
    return { code, message: `The command '${words.join(" ")}' returned a non-zero code: ${code}` };
  }
  if (step?.kind === "copy" || step?.kind === "add") {
    const missing = /"\/([^"]*)": not found$/.exec(messageOf(cause))?.[1];
    if (missing !== undefined) {
      const where = step.foreign ? "" : "file not found in build context or excluded by .dockerignore: ";
      return {
        message: `${step.kind.toUpperCase()} failed: ${where}stat ${missing}: file does not exist`,
      };
    }
  }
  return { message: messageOf(step?.kind === "from" ? rootOf(cause) : cause) };
}

/** Of a base that can't be had: the registry's own word, without what BuildKit puts before it. */
function rootOf(thrown: unknown): unknown {
  let root = thrown;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

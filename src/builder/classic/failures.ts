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

/** `step`: the one that failed, if it is known. */
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
    const missing = missingIn(messageOf(cause));
    if (missing !== undefined) {
      const where = step.foreign ? "" : "file not found in build context or excluded by .dockerignore: ";
      return {
        message: `${step.kind.toUpperCase()} failed: ${where}stat ${missing}: file does not exist`,
      };
    }
  }
  return { message: imageMessage(messageOf(cause), step) };
}

/** Of an image that can't be had the registry's own word, without what BuildKit puts before it. */
function imageMessage(message: string, step: ClassicStep | undefined): string {
  const [, name, resolved, said] =
    /^(\S+): failed to resolve source metadata for (\S+): (.*)$/s.exec(message) ?? [];
  if (said === undefined) return message;
  const why = said.startsWith("pull access denied")
    ? said
    : `failed to resolve reference "${resolved}": ${said}`;
  return step?.kind === "copy" ? `invalid from flag value ${name}: ${why}` : why;
}

/** From the solver's words: of a source that is looked at for its content, and of one that isn't. */
const missingIn = (message: string): string | undefined =>
  (/"\/([^"]*)": not found$/.exec(message) ?? /^lstat \/(.*): no such file or directory$/.exec(message))?.[1];

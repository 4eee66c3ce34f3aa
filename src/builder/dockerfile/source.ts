// Where something stands in a Dockerfile, and the error that says so.
import { BerthError } from "../../base/errors.ts";

/** Lines from `start` to `end`, both included, counted from 1. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

/** As BuildKit's pb.Position: lines from 1; the column is always 0, since instructions own whole lines. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface SourceRange {
  readonly start: Position;
  readonly end: Position;
}

/** One range a line, as BuildKit reports them in errors, warnings and source maps. */
export function rangesOf(lines: Lines): SourceRange[] {
  const count = Math.max(1, lines.end - lines.start + 1);
  return Array.from({ length: count }, (_, index) => {
    const position = { line: lines.start + index, character: 0 };
    return { start: position, end: position };
  });
}

/**
 * A Dockerfile that can't be built as it is written: kind "invalid", BuildKit's words, and the places (one list of
 * lines each; a cycle of stages has several). No place: the fault is not one line's.
 */
export class DockerfileError extends BerthError {
  constructor(
    message: string,
    readonly places: readonly Lines[] = [],
    cause?: unknown,
  ) {
    super("invalid", message, { cause });
  }
}

/** Runs `work`; an invalid input that it finds is said to be at these lines. */
export function locate<T>(lines: Lines, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof DockerfileError && thrown.places.length > 0) throw thrown;
    if (thrown instanceof BerthError && thrown.kind === "invalid")
      throw new DockerfileError(thrown.message, [lines], thrown);
    throw thrown;
  }
}

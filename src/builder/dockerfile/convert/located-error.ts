// The error of a build with the places in its file, so that whoever shows it can show the lines.
import { BerthError, type ErrorKind, messageOf } from "../../../base/errors.ts";
import type { SourceInfo } from "../../../buildkit/messages/ops_pb.ts";
import { DockerfileError, type Lines, rangesOf, type SourceRange } from "../source.ts";

/** An error at places of a source file: one list of ranges each, the first the most important. */
export class LocatedError extends BerthError {
  constructor(
    kind: ErrorKind,
    message: string,
    readonly source: SourceInfo,
    readonly places: readonly (readonly SourceRange[])[],
    cause: unknown,
  ) {
    super(kind, message, { cause });
  }
}

/** The error at these lines, if it isn't at some already; what isn't an error of ours stays what it is. */
export function located(thrown: unknown, source: SourceInfo, lines?: Lines): unknown {
  if (thrown instanceof LocatedError || !(thrown instanceof Error)) return thrown;
  if (thrown.name === "AbortError") return thrown;
  const own = thrown instanceof DockerfileError ? thrown.places : [];
  const places = own.length > 0 ? own : lines ? [lines] : [];
  if (places.length === 0) return thrown;
  const kind = thrown instanceof BerthError ? thrown.kind : "system";
  return new LocatedError(kind, messageOf(thrown), source, places.map(rangesOf), thrown);
}

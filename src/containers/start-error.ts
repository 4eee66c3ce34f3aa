// What a start that failed means: the exit status that Docker shows, and the kind of the error.
import { BerthError, firstThrown, messageOf, systemError } from "../base/errors.ts";
import { StartFailure } from "../runtime/index.ts";

/** What moby shows where the program's own fault is not known (daemon/errors.go, exitUnknown). */
const UNKNOWN = 128;

/** 126: can't be run; 127: not found, both as the runtime room saw it; 128: anything else. */
export function classifyStartError(thrown: unknown): { exitCode: number; error: BerthError } {
  const first = firstThrown(thrown);
  const error = first instanceof BerthError ? first : systemError(messageOf(first), first);
  return { exitCode: first instanceof StartFailure ? first.exitCode : UNKNOWN, error };
}

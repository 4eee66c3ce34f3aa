// What an OCI runtime says when it can't start a process, in the words that Docker's clients know: runc's.
import { type BerthError, systemError } from "../base/errors.ts";

/** The error for people of a runtime's own words. */
export function runtimeFailure(said: string): BerthError {
  return systemError(said);
}

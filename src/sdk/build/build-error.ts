// What a failed build is thrown as. It loads nothing: who prints errors knows it without ever having built.
import { SdkError } from "../errors.ts";
import type { ErrorSource } from "./types.ts";

/** A failed build. `message` is the daemon's, `code` gRPC's (1 canceled, 5 not found, 13 internal …). */
export class BuildError extends SdkError {
  constructor(
    message: string,
    readonly code: number,
    /** Where in the Dockerfile it is, the innermost first. */
    readonly sources: ErrorSource[] = [],
    /** The digest of the step that failed. */
    readonly vertex?: string,
    options: { cause?: unknown } = {},
  ) {
    super("daemon", message, 0, options);
  }
}

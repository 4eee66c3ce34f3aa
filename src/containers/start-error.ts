// What a start that failed means: the exit code that Docker shows, and the kind of the error.
import { BerthError, invalid, messageOf, systemError } from "../base/errors.ts";

/** 126: can't be run; 127: not found; 128: anything else. From moby's daemon/errors.go. */
export function classifyStartError(thrown: unknown): { exitCode: number; error: BerthError } {
  const message = messageOf(thrown);
  const has = (...texts: string[]) => texts.some((text) => message.toLowerCase().includes(text));
  if (has("permission denied")) return { exitCode: 126, error: invalid(message, thrown) };
  if (has("is a directory"))
    return { exitCode: 126, error: invalid(`${message}: permission denied`, thrown) };
  if (has("not a directory"))
    return {
      exitCode: 127,
      error: invalid(
        `${message}: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`,
        thrown,
      ),
    };
  if (has("executable file not found", "no such file or directory", "system cannot find the file specified"))
    return { exitCode: 127, error: invalid(message, thrown) };
  return { exitCode: 128, error: thrown instanceof BerthError ? thrown : systemError(message, thrown) };
}

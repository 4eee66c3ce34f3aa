// How a build's failure is told: the place in the Dockerfile, then the error in buildx's form, with its exit codes.

import { BuildError } from "../sdk/index.ts";
import { excerpt } from "./build-progress/excerpt.ts";
import { writeAll } from "./build-progress/write-all.ts";
import { CommandFailure } from "./framework/failure.ts";

const CANCELED = 1;
/** By gRPC's codes (docker/buildx cmd/buildx/main.go): canceled, resource exhausted, internal. */
const EXIT_CODES: Record<number, number> = { [CANCELED]: 130, 8: 102, 13: 100 };

export class BuildCanceled extends Error {
  constructor() {
    super("failed to solve: Canceled: context canceled");
  }
}

/** The failure to end with. `what` goes before the message: `failed to build`. */
export function buildFailure(thrown: unknown, what?: string): unknown {
  if (thrown instanceof CommandFailure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof BuildError ? thrown.code : thrown instanceof BuildCanceled ? CANCELED : -1;
  if (thrown instanceof BuildError) for (const source of thrown.sources) writeAll(2, excerpt(source));
  const text = what ? `${what}: ${message}` : message;
  return new CommandFailure(`ERROR: ${text}`, EXIT_CODES[code] ?? 1, { cause: thrown });
}

// What goes wrong with a shim, as errors: its death, a runtime that refuses, its own refusals.
import { BerthError, conflict, invalid, notFound, systemError } from "../../base/errors.ts";
import type { ShimFailure } from "../shim/protocol.ts";

/**
 * The shim itself died (kill -9, out of memory): nobody holds the container's output or learns its exit status any
 * more. The daemon answers by `killLeftBehind` and records status 137 with this error's message.
 */
export class ShimDiedError extends BerthError {
  constructor(id: string, options: { cause?: unknown } = {}) {
    super("system", `the shim of container ${id} died, so the container was killed`, options);
  }
}

/** A runtime said no; start and exec put its words into Docker's form. */
export class RuntimeRefusal extends BerthError {
  constructor(
    message: string,
    readonly said: string,
  ) {
    super("system", `${message}: ${said}`);
  }
}

/** A shim's refusal as an error for people. */
export function failure({ code, message, runtime }: ShimFailure): BerthError {
  if (runtime !== undefined) return new RuntimeRefusal(message, runtime);
  switch (code) {
    case "not-running":
    case "running":
    case "exists":
      return conflict(message);
    case "not-found":
      return notFound(message);
    case "invalid":
      return invalid(message);
    default:
      return systemError(message);
  }
}

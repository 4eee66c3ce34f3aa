// The daemon's end of a shim: starts one, finds a running one again, and reads what a dead one left.
import { BerthError, notImplemented } from "../base/errors.ts";
import type { LeftExit, Shim, ShimConfig } from "./types.ts";

/**
 * The shim itself died (kill -9, out of memory): nobody holds the container's output or learns its exit status any
 * more. The daemon answers by `killLeftBehind` and records status 137 with this error's message.
 */
export class ShimDiedError extends BerthError {
  constructor(id: string, options: { cause?: unknown } = {}) {
    super("system", `the shim of container ${id} died, so the container was killed`, options);
  }
}

/**
 * Writes `dir`/shim.json and starts the shim (`berth shim DIR`) in a session of its own; resolves when it listens and
 * holds the ports of `reservePorts`. Nothing of the container runs yet: attach first, then `start()`.
 * Errors: KernelError `bind 0.0.0.0:80/tcp: address already in use` (code EADDRINUSE) for a port that is taken.
 * `dir` must exist; it and all in it is the shim's until `remove()`, after that the caller's to delete.
 */
export async function startShim(_dir: string, _config: ShimConfig): Promise<Shim> {
  throw notImplemented("startShim");
}

/** Connects to the shim of an earlier daemon. Errors: unavailable where none answers in `dir` (see readLeftExit). */
export async function connectShim(_dir: string): Promise<Shim> {
  throw notImplemented("connectShim");
}

/** How the container ended, from `dir`/exit.json; undefined where it did not end under a living shim. */
export function readLeftExit(_dir: string): LeftExit {
  throw notImplemented("readLeftExit");
}

/**
 * What a dead shim left: kills every process of the container's cgroup, takes the runtime's state and the cgroup
 * away. Also for a shim that is alive but must go. Safe to call again.
 */
export async function killLeftBehind(_dir: string): Promise<void> {
  throw notImplemented("killLeftBehind");
}

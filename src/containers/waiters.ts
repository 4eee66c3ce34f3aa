// Those who wait for a container to stop or to be gone (`docker wait`, `run`, `stop`, `rm -f`).
import type { ContainerWaitResponse } from "../api/types/index.ts";
import type { ContainerId, ContainerRecord, ContainerState, WaitCondition } from "./types.ts";
import { exitCodeOf, isRunning } from "./views/status-text.ts";

type Resolve = (response: ContainerWaitResponse) => void;

export class Waiters {
  private readonly stop = new Map<ContainerId, Set<Resolve>>();
  private readonly removal = new Map<ContainerId, Set<Resolve>>();

  /**
   * Registered when this returns; the promise is the end of the wait. It rejects when `signal` aborts.
   * "not-running" is met at once by a container that isn't running.
   */
  wait(
    container: ContainerRecord,
    condition: WaitCondition,
    signal?: AbortSignal,
  ): Promise<ContainerWaitResponse> {
    if (condition === "not-running" && !isRunning(container.state))
      return Promise.resolve(responseFor(container.state));
    const { promise, resolve, reject } = Promise.withResolvers<ContainerWaitResponse>();
    const waiting = condition === "removed" ? this.removal : this.stop;
    const set = waiting.get(container.id) ?? new Set<Resolve>();
    waiting.set(container.id, set.add(resolve));
    const abort = () => {
      set.delete(resolve);
      if (set.size === 0 && waiting.get(container.id) === set) waiting.delete(container.id);
      reject(signal?.reason);
    };
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /**
   * Does `work` and waits for the container's stop, which may come while `work` goes on. `milliseconds`: how long after it, or
   * for ever. True when it stopped.
   */
  async stopsAfter(
    container: ContainerRecord,
    work: () => Promise<void>,
    milliseconds: number | undefined,
  ): Promise<boolean> {
    const enough = new AbortController();
    const stopped = this.wait(container, "not-running", enough.signal).then(
      () => true,
      () => false,
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await work();
      if (milliseconds !== undefined) timer = setTimeout(() => enough.abort(), milliseconds);
      return await stopped;
    } finally {
      clearTimeout(timer);
      enough.abort();
    }
  }

  stopped(container: ContainerRecord): void {
    this.settle(this.stop, container);
  }

  removed(container: ContainerRecord): void {
    this.settle(this.stop, container);
    this.settle(this.removal, container);
  }

  private settle(waiting: Map<ContainerId, Set<Resolve>>, container: ContainerRecord): void {
    const set = waiting.get(container.id);
    waiting.delete(container.id);
    for (const resolve of set ?? []) resolve(responseFor(container.state));
  }
}

/** The exit code, and with it what a failed start said. */
function responseFor(state: ContainerState): ContainerWaitResponse {
  const error = state.status === "exited" ? state.problem?.error : "error" in state ? state.error : undefined;
  return { StatusCode: exitCodeOf(state), ...(error && { Error: { Message: error } }) };
}

// Things by their names, some of which are waited for before they have come: who tells of a thing and who brings it may be
// two connections. A name that nobody waits for any more is forgotten.

export class Arrivals<T> {
  private readonly here = new Map<string, T>();
  private readonly awaited = new Map<string, Set<() => void>>();

  get(name: string): T | undefined {
    return this.here.get(name);
  }

  values(): IterableIterator<T> {
    return this.here.values();
  }

  /** How many names are waited for. */
  get waiting(): number {
    return this.awaited.size;
  }

  /** A second one of the name takes the first one's place. */
  arrive(name: string, thing: T): void {
    this.here.set(name, thing);
    for (const wake of this.awaited.get(name) ?? []) wake();
  }

  /** Nothing happens when another one has taken its place. */
  leave(name: string, thing: T): void {
    if (this.here.get(name) === thing) this.here.delete(name);
  }

  /** Undefined when it doesn't come within `patience` milliseconds. Errors: the signal's reason. */
  async wait(name: string, patience: number, signal?: AbortSignal): Promise<T | undefined> {
    const known = this.here.get(name);
    if (known) return known;
    signal?.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.awaited.get(name) ?? new Set();
    this.awaited.set(name, waiting.add(resolve));
    const timer = setTimeout(resolve, patience);
    const leave = () => resolve();
    signal?.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
      waiting.delete(resolve);
      if (waiting.size === 0 && this.awaited.get(name) === waiting) this.awaited.delete(name);
    }
    signal?.throwIfAborted();
    return this.here.get(name);
  }
}

// One queue per key: two changes of one resource follow each other, changes of different ones don't wait.

export class KeyedLock {
  private readonly tails = new Map<string, Promise<void>>();

  /** Runs `work` after all earlier work under the same key has settled. Not reentrant. */
  async run<T>(key: string, work: () => Promise<T> | T): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const tail = before.then(() => promise);
    this.tails.set(key, tail);
    await before;
    try {
      return await work();
    } finally {
      resolve();
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }

  /** True while somebody holds or waits for the key. */
  busy(key: string): boolean {
    return this.tails.has(key);
  }
}

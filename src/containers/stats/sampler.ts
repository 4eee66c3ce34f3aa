// Readings that several watch: one reader for each key, which reads at once and then at every interval as long as
// anybody watches, and hands each reading to all of them.
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";

interface Watcher<T> {
  /** A reading that it has not taken yet; one that is slow gets the latest. */
  next?: T;
  wake: () => void;
}

interface Reader<T> {
  watchers: Set<Watcher<T>>;
  timer?: ReturnType<typeof setInterval>;
  latest?: T;
  reading: boolean;
}

export class Sampler<T> {
  private readonly readers = new Map<string, Reader<T>>();

  /** `interval` in milliseconds. */
  constructor(private readonly interval: number) {}

  /** How many keys are being read. */
  get active(): number {
    return this.readers.size;
  }

  /**
   * Readings as they come, the first at once. Ends when `signal` aborts. The first watcher's `read` serves all; it must
   * not throw: a reading that fails is left out, and logged.
   */
  async *watch(key: string, read: () => Promise<T>, signal: AbortSignal): AsyncGenerator<T> {
    const reader = this.readers.get(key) ?? this.begin(key, read);
    const watcher: Watcher<T> = { wake() {}, ...(reader.latest !== undefined && { next: reader.latest }) };
    const wake = () => watcher.wake();
    signal.addEventListener("abort", wake);
    reader.watchers.add(watcher);
    try {
      while (!signal.aborted) {
        const { next } = watcher;
        watcher.next = undefined;
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener("abort", wake);
      reader.watchers.delete(watcher);
      if (reader.watchers.size === 0) this.end(key, reader);
    }
  }

  private begin(key: string, read: () => Promise<T>): Reader<T> {
    const reader: Reader<T> = { watchers: new Set(), reading: false };
    this.readers.set(key, reader);
    const tick = async () => {
      if (reader.reading) return; // a host that is slower than the interval
      reader.reading = true;
      try {
        const latest = await read();
        reader.latest = latest;
        for (const watcher of reader.watchers) {
          watcher.next = latest;
          watcher.wake();
        }
      } catch (error) {
        log.warn("a reading failed", { key, error: messageOf(error) });
      } finally {
        reader.reading = false;
      }
    };
    reader.timer = setInterval(() => void tick(), this.interval);
    void tick();
    return reader;
  }

  private end(key: string, reader: Reader<T>): void {
    clearInterval(reader.timer);
    if (this.readers.get(key) === reader) this.readers.delete(key);
  }
}

// Events on their way to one listener, who takes them at his own pace.

export class EventQueue<T> implements AsyncIterable<T>, Disposable {
  private readonly waiting: T[] = [];
  private wake: (() => void) | undefined;
  private ended = false;
  private readonly leave = () => this.end();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener("abort", this.leave, { once: true });
    if (signal.aborted) this.ended = true;
  }

  put(event: T): void {
    if (this.ended) return;
    this.waiting.push(event);
    this.wake?.();
  }

  /** After what is waiting. */
  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.waiting.shift();
      if (next !== undefined) yield next;
      else if (this.ended) return;
      else
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
    }
  }

  [Symbol.dispose](): void {
    this.end();
    this.signal.removeEventListener("abort", this.leave);
  }
}

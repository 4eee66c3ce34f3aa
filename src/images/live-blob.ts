// A blob while it is being downloaded, for one reader beside the content store: so a layer is unpacked as it arrives. What
// the reader makes of it counts only after the blob's digest was checked.

/** Bytes that may wait for the reader. Beyond that the download waits, or, while there is no reader, is not followed. */
const WAITING_BYTES = 8 << 20;

export class LiveBlob implements AsyncIterable<Uint8Array> {
  private readonly queue: Uint8Array[] = [];
  private queued = 0;
  private state: "idle" | "flowing" | "ended" | "broken" = "idle";
  private abandoned = false;
  private claimed = false;
  private position = 0;
  private wakeReader: (() => void) | undefined;
  private wakeWriter: (() => void) | undefined;
  private readonly begun = Promise.withResolvers<boolean>();

  /** True with the first byte; false when there is nothing to follow (the blob is here, or its download was resumed). */
  get started(): Promise<boolean> {
    return this.begun.promise.then((flows) => flows && this.state !== "broken");
  }

  /** The downloader's: the bytes at `offset`. Following ends when they don't join on. */
  async push(offset: number, chunk: Uint8Array): Promise<void> {
    if (this.abandoned || this.state === "ended" || this.state === "broken") return;
    if (offset !== this.position) return this.break();
    this.position += chunk.length;
    // The source may use its memory again.
    this.queue.push(new Uint8Array(chunk));
    this.queued += chunk.length;
    this.state = "flowing";
    this.begun.resolve(true);
    this.wakeReader?.();
    if (!this.claimed && this.queued > WAITING_BYTES) return this.break();
    while (this.queued > WAITING_BYTES && !this.abandoned)
      await new Promise<void>((resolve) => {
        this.wakeWriter = resolve;
      });
  }

  /** The downloader's: all of it came, and its digest is right. */
  end(): void {
    if (this.state === "idle") this.break();
    if (this.state === "flowing") this.state = "ended";
    this.wakeReader?.();
  }

  /** The downloader's: what comes next doesn't follow what came. */
  break(): void {
    if (this.state !== "ended") this.state = "broken";
    this.begun.resolve(false);
    if (!this.claimed) this.queue.length = 0;
    this.wakeReader?.();
  }

  /** The reader's, before it reads: true for the first. */
  claim(): boolean {
    if (this.claimed) return false;
    this.claimed = true;
    return true;
  }

  /** The reader's: it wants no more. */
  abandon(): void {
    this.abandoned = true;
    this.queue.length = 0;
    this.queued = 0;
    this.wakeWriter?.();
  }

  /** Errors when the download didn't end well. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.queue.shift();
        if (chunk) {
          this.queued -= chunk.length;
          this.wakeWriter?.();
          yield chunk;
          continue;
        }
        if (this.state === "ended") return;
        if (this.state === "broken") throw new Error("the download was interrupted");
        await new Promise<void>((resolve) => {
          this.wakeReader = resolve;
        });
      }
    } finally {
      this.abandon();
    }
  }
}

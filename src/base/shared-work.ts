// Work that several callers want at once, done once: two pulls of one blob, two unpackings of one layer. It goes on as
// long as anybody waits for it; when the last caller gives up, it is aborted.

interface Job<T, P> {
  result: Promise<T>;
  abort: AbortController;
  listeners: Set<(progress: P) => void>;
  last: P | undefined;
}

export class SharedWork<T, P> {
  private readonly jobs = new Map<string, Job<T, P>>();

  /**
   * Joins the work under `key`, or begins it. `report` hears of its progress, from what was last said on. Errors: the
   * work's own, or the reason of the caller's own signal.
   */
  async run(
    key: string,
    signal: AbortSignal,
    report: (progress: P) => void,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    let job = this.jobs.get(key);
    if (job?.abort.signal.aborted) {
      // Given up by everybody a moment ago, and still holding what it works on.
      await job.result.catch(() => undefined);
      return await this.run(key, signal, report, work);
    }
    job ??= this.begin(key, work);
    return await this.join(job, signal, report);
  }

  private begin(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Job<T, P> {
    const listeners = new Set<(progress: P) => void>();
    const abort = new AbortController();
    const job: Job<T, P> = { abort, listeners, last: undefined, result: Promise.resolve() as Promise<never> };
    job.result = work(abort.signal, (progress) => {
      job.last = progress;
      for (const listener of listeners) listener(progress);
    }).finally(() => this.jobs.delete(key));
    // Those who wait are told; a job that everybody left has nobody to tell.
    job.result.catch(() => undefined);
    this.jobs.set(key, job);
    return job;
  }

  private async join(job: Job<T, P>, signal: AbortSignal, report: (progress: P) => void): Promise<T> {
    // A function of its own, so that one caller that joins twice counts twice.
    const listener = (progress: P) => report(progress);
    job.listeners.add(listener);
    if (job.last !== undefined) report(job.last);
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([job.result, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      job.listeners.delete(listener);
      if (job.listeners.size === 0) job.abort.abort(signal.reason);
    }
  }
}

/** So many at a time; the others wait in line. */
export class Slots {
  private free: number;
  private readonly line: (() => void)[] = [];
  constructor(count: number) {
    this.free = Math.max(1, count);
  }

  /** Whether a caller would have to wait now. */
  get full(): boolean {
    return this.free === 0;
  }

  /** Runs the work when its turn comes. Errors: the signal's reason while it waits. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await this.turn(signal);
    try {
      return await work();
    } finally {
      const next = this.line.shift();
      if (next) next();
      else this.free++;
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const give = () => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    const giveUp = () => {
      const at = this.line.indexOf(give);
      if (at >= 0) this.line.splice(at, 1);
      reject(signal.reason);
    };
    this.line.push(give);
    signal.addEventListener("abort", giveUp, { once: true });
    return promise;
  }
}

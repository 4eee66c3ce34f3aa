// What a build tells of itself: vertices with their times, parts of transfers, output, warnings. Every client that asks for a
// build's status hears all of it from the beginning.
import type { SourceInfo } from "../../buildkit/messages/ops_pb.ts";
import type { Digest } from "../../oci/digest.ts";

/** Milliseconds since 1970, with fractions. */
export type Time = number;

export interface VertexEvent {
  kind: "vertex";
  digest: Digest;
  inputs: string[];
  name: string;
  cached: boolean;
  started?: Time;
  completed?: Time;
  error: string;
  group?: { id: string; name: string; weak: boolean };
}

export interface StatusEvent {
  kind: "status";
  vertex: Digest;
  /** Names the part: `sha256:…`, `transferring context:`. */
  id: string;
  name: string;
  current: number;
  total: number;
  time: Time;
  started?: Time;
  completed?: Time;
}

export interface LogEvent {
  kind: "log";
  vertex: Digest;
  time: Time;
  stream: 1 | 2;
  data: Uint8Array;
}

export interface WarningEvent {
  kind: "warning";
  vertex: Digest | "";
  level: number;
  short: string;
  detail: string[];
  url: string;
  source?: SourceInfo;
  ranges: { start: number; end: number }[];
}

export type ProgressEvent = VertexEvent | StatusEvent | LogEvent | WarningEvent;

export const now = (): Time => performance.timeOrigin + performance.now();

/** Bytes of output that are kept for clients that ask late; older ones go first. */
const KEPT_OUTPUT = 8 << 20;

export class Progress {
  private readonly events: ProgressEvent[] = [];
  private readonly listeners = new Set<() => void>();
  private output = 0;
  /** Events that are gone from the front. */
  private dropped = 0;
  private ended = false;

  tell(event: ProgressEvent): void {
    if (this.ended) return;
    this.events.push(event);
    if (event.kind === "log") this.keepWithin(event.data.length);
    this.wake();
  }

  close(): void {
    this.ended = true;
    this.wake();
  }

  /** From the first on, in lots as they come, until the build has ended. */
  async *follow(signal: AbortSignal): AsyncGenerator<ProgressEvent[]> {
    let at = 0;
    for (;;) {
      if (signal.aborted) return;
      const from = Math.max(at - this.dropped, 0);
      if (from < this.events.length) {
        at = this.dropped + this.events.length;
        yield this.events.slice(from);
        continue;
      }
      if (this.ended) return;
      await this.changed(signal);
    }
  }

  all(): readonly ProgressEvent[] {
    return this.events;
  }

  private changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.listeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.listeners.add(done);
      signal.addEventListener("abort", done);
    });
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private keepWithin(bytes: number): void {
    this.output += bytes;
    for (let at = 0; this.output > KEPT_OUTPUT && at < this.events.length; ) {
      const event = this.events[at];
      if (event?.kind !== "log") {
        at++;
        continue;
      }
      this.output -= event.data.length;
      this.events.splice(at, 1);
      this.dropped++;
    }
  }
}

/** One vertex's way to tell of itself. */
export class VertexProgress {
  private started: Time | undefined;

  constructor(
    private readonly progress: Progress,
    private readonly facts: { digest: Digest; inputs: string[]; name: string; group?: VertexEvent["group"] },
  ) {}

  /** It is part of the build, and has not begun. */
  announce(): void {
    this.tell({});
  }

  start(): void {
    this.started ??= now();
    this.tell({ started: this.started });
  }

  finish(cached: boolean): void {
    const started = this.started ?? now();
    this.tell({ started, completed: now(), cached });
  }

  fail(error: string): void {
    this.tell({ started: this.started ?? now(), completed: now(), error });
  }

  log(stream: 1 | 2, data: Uint8Array): void {
    this.progress.tell({ kind: "log", vertex: this.facts.digest, time: now(), stream, data });
  }

  /** The same vertex for work that several builds wait for: what it puts out goes to all of them by `report`. */
  withLog(report: (event: { stream: 1 | 2; data: Uint8Array }) => void): VertexProgress {
    const shared = new VertexProgress(this.progress, this.facts);
    shared.log = (stream, data) => report({ stream, data });
    return shared;
  }

  /** A part of the vertex: it begins at its first call, and ends with `done`. */
  part(id: string): (state: { name?: string; current?: number; total?: number; done?: boolean }) => void {
    const started = now();
    return ({ name = "", current = 0, total = 0, done = false }) => {
      const time = now();
      this.progress.tell({
        kind: "status",
        vertex: this.facts.digest,
        id,
        name,
        current,
        total,
        time,
        started,
        ...(done && { completed: time }),
      });
    };
  }

  private tell(state: { started?: Time; completed?: Time; cached?: boolean; error?: string }): void {
    this.progress.tell({ kind: "vertex", ...this.facts, cached: false, error: "", ...state });
  }
}

// What the shim does with a container's output besides handing it to clients: the log drivers, as the rest of the shim sees them.
import type { FixedBuffer } from "../../../linux/raw-io.ts";

/** 0: standard output, 1: standard error. */
export type OutputNumber = 0 | 1;

export interface ContainerLog {
  /** How many bytes of output `write` is given at most: a driver that has to keep them is given little at a time. */
  readonly chunk: number;
  /** A chunk of a stream; the buffer ends in a NUL that is not the chunk's. */
  write(stream: OutputNumber, buffer: FixedBuffer, start: number, end: number): void;
  /** The stream is over: what it left without a line feed is logged as it is. */
  end(stream: OutputNumber): void;
  /** It takes no more now. The container's output is left in its pipe, which holds the container up, as Docker's drivers do. */
  readonly full: boolean;
  /** All that it was given is out of this process. */
  readonly settled: boolean;
  /** Called whenever one of the two may have changed for the better. */
  onRoom: () => void;
}

/** A moment of the wall clock. */
export interface Moment {
  seconds: number;
  nanoseconds: number;
}

/** One piece of a line that is longer than LINE_MAX. All pieces carry the time of the first. */
export interface Part {
  first: Moment;
  /** The line's own, 64 hexadecimal digits. */
  id: string;
  /** From 1 on. */
  ordinal: number;
  last: boolean;
}

/** Takes lines one by one, without their line feeds. */
export interface LineSink {
  readonly chunk: number;
  readonly full: boolean;
  readonly settled: boolean;
  onRoom: () => void;
  /** A chunk is coming, whose lines lie between `start` and `end`. It stays as it is until `flush`. */
  begin(buffer: FixedBuffer, start: number, end: number): void;
  /** `part` is absent for a line that is whole. Nothing that is given here may be kept after `flush`. */
  line(
    stream: OutputNumber,
    buffer: FixedBuffer,
    start: number,
    end: number,
    moment: Moment,
    part: Part | undefined,
  ): void;
  /** All lines of a chunk were given. */
  flush(): void;
}

/** Turns a file that was rotated away into one with `.gz` behind its name, in a process of its own. */
export interface Compressor {
  /** `done` is called when that process has ended, whatever came of it. False: it could not be started. */
  start(path: string, done: () => void): boolean;
}

// The system's journal, read through libsystemd (sd-journal(3)). A handle belongs to one thread; all calls here are made by one.
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { KernelError, library, ptr, T } from "./ffi.ts";

const sd = library("libsystemd.so.0", {
  sd_journal_open: { args: [T.ptr, T.i32], returns: T.i32 },
  sd_journal_close: { args: [T.u64], returns: T.void },
  sd_journal_add_match: { args: [T.u64, T.ptr, T.u64], returns: T.i32 },
  sd_journal_set_data_threshold: { args: [T.u64, T.u64], returns: T.i32 },
  sd_journal_seek_head: { args: [T.u64], returns: T.i32 },
  sd_journal_seek_tail: { args: [T.u64], returns: T.i32 },
  sd_journal_next: { args: [T.u64], returns: T.i32 },
  sd_journal_previous: { args: [T.u64], returns: T.i32 },
  sd_journal_previous_skip: { args: [T.u64, T.u64], returns: T.i32 },
  sd_journal_get_realtime_usec: { args: [T.u64, T.ptr], returns: T.i32 },
  sd_journal_restart_data: { args: [T.u64], returns: T.void },
  sd_journal_enumerate_available_data: { args: [T.u64, T.ptr, T.ptr], returns: T.i32 },
  sd_journal_get_fd: { args: [T.u64], returns: T.i32 },
  sd_journal_process: { args: [T.u64], returns: T.i32 },
});

const LOCAL_ONLY = 1;

/** An entry: its time in microseconds since 1970, and its fields, of which one may be there more than once (the last counts). */
export interface JournalEntry {
  microseconds: bigint;
  fields: Map<string, Buffer>;
}

/** Errors: KernelError; an Error when the library is not installed. */
export class Journal implements Disposable {
  private readonly handle: bigint;
  private readonly out = new BigUint64Array(2);

  /** Entries with `NAME=value` alone. */
  constructor(match: string) {
    const handle = new BigUint64Array(1);
    must(sd.sd_journal_open(handle, LOCAL_ONLY), "sd_journal_open");
    this.handle = handle[0] as bigint;
    const bytes = Buffer.from(match);
    must(sd.sd_journal_set_data_threshold(this.handle, 0n), "sd_journal_set_data_threshold");
    must(sd.sd_journal_add_match(this.handle, bytes, BigInt(bytes.length)), "sd_journal_add_match");
  }

  seekHead(): void {
    must(sd.sd_journal_seek_head(this.handle), "sd_journal_seek_head");
  }

  /** So that `next` gives the last `entries`, or what comes after them for 0. */
  seekTail(entries: number): void {
    must(sd.sd_journal_seek_tail(this.handle), "sd_journal_seek_tail");
    const found = must(
      sd.sd_journal_previous_skip(this.handle, BigInt(entries + 1)),
      "sd_journal_previous_skip",
    );
    // Fewer than that: the first of all is where it stands, and `next` would pass it over.
    if (found <= entries) this.seekHead();
  }

  /** The next entry; undefined at the end as it is now. */
  next(): JournalEntry | undefined {
    if (must(sd.sd_journal_next(this.handle), "sd_journal_next") === 0) return undefined;
    must(sd.sd_journal_get_realtime_usec(this.handle, this.out), "sd_journal_get_realtime_usec");
    const microseconds = this.out[0] as bigint;
    const fields = new Map<string, Buffer>();
    sd.sd_journal_restart_data(this.handle);
    while (
      must(
        sd.sd_journal_enumerate_available_data(this.handle, this.out, ptr(this.out, 8)),
        "sd_journal_enumerate_available_data",
      ) > 0
    ) {
      const data = copyOf(Number(this.out[0]), Number(this.out[1]));
      const equals = data.indexOf(0x3d);
      fields.set(data.toString("latin1", 0, equals), data.subarray(equals + 1));
    }
    return { microseconds, fields };
  }

  /** Looks whether journal files came or went; then `next` may give more. */
  refresh(): void {
    must(sd.sd_journal_process(this.handle), "sd_journal_process");
  }

  [Symbol.dispose](): void {
    sd.sd_journal_close(this.handle);
  }
}

function copyOf(address: number, length: number): Buffer {
  return Buffer.from(toArrayBuffer(address as Pointer, 0, length).slice(0));
}

function must(result: number, call: string): number {
  if (result < 0) throw new KernelError(call, -result);
  return result;
}

// What a slow client has not taken yet, in a file without a name on disk: the container's output neither waits for the
// client nor stays in memory for it.
import { close } from "../../linux/ffi.ts";
import {
  AGAIN,
  dropFileUntil,
  openUnnamedFile,
  readFileAt,
  truncateFile,
  writeAt,
  writeFileAt,
} from "../../linux/raw-io.ts";
import { SPILL_LIMIT, STREAM_CHUNK } from "./protocol.ts";
import { scratch } from "./scratch.ts";

/** Bytes written to a client in one turn, so that one that reads fast doesn't keep the others waiting. */
const TURN = 1 << 20;
/** Disk is given back in steps of this many bytes. */
const DROP_STEP = 4 << 20;

export class Spill {
  private readonly fd: number;
  private written = 0;
  private taken = 0;
  private dropped = 0;

  constructor(folder: string) {
    this.fd = openUnnamedFile(folder);
  }

  get empty(): boolean {
    return this.taken === this.written;
  }

  /** False when there is no more room: the limit, or the disk. */
  append(address: number, length: number): boolean {
    if (this.written - this.taken + length > SPILL_LIMIT) return false;
    if (writeFileAt(this.fd, address, length, this.written) !== 0) return false;
    this.written += length;
    return true;
  }

  /** Hands on to the client as much as it takes. False when the client is gone. */
  drainTo(client: number): boolean {
    for (let turn = 0; turn < TURN && !this.empty; ) {
      const length = Math.min(STREAM_CHUNK, this.written - this.taken);
      if (readFileAt(this.fd, scratch.address, length, this.taken) !== length) return false;
      const count = writeAt(client, scratch.address, length);
      if (count === AGAIN) break;
      if (count < 0) return false;
      this.taken += count;
      turn += count;
    }
    this.giveBack();
    return true;
  }

  private giveBack(): void {
    if (this.empty && this.written > 0) {
      truncateFile(this.fd, 0);
      this.written = this.taken = this.dropped = 0;
    } else if (this.taken - this.dropped >= DROP_STEP) {
      this.dropped = this.taken;
      dropFileUntil(this.fd, this.taken);
    }
  }

  close(): void {
    close(this.fd);
  }
}

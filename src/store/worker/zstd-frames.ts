// Follows the frames of zstd data (RFC 8878, 3.1) as it passes, to know whether it ended where a frame ends: Bun's
// decompressor takes data that stops in the middle for the end, and garbage after a frame for nothing.
import { invalid } from "../../base/errors.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50; // The lowest four bits are free
const RLE = 1;

type State = "magic" | "skippable-size" | "descriptor" | "header" | "block" | "data" | "checksum";

export class ZstdFrames {
  private state: State = "magic";
  /** Bytes that the state still takes; those of `data` are passed over. */
  private left = 4;
  private readonly bytes = new Uint8Array(16);
  private length = 0;
  private hasChecksum = false;
  private lastBlock = false;

  /** Takes the next bytes. Errors: invalid for what is no frame. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(this.left, chunk.length - at);
      if (this.state !== "data" && this.state !== "header" && this.state !== "checksum") {
        this.bytes.set(chunk.subarray(at, at + taken), this.length);
        this.length += taken;
      }
      at += taken;
      this.left -= taken;
      while (this.left === 0) this.advance();
    }
  }

  /** Whether the bytes so far are whole frames. */
  get complete(): boolean {
    return this.state === "magic" && this.length === 0;
  }

  private enter(state: State, left: number): void {
    this.state = state;
    this.left = left;
    this.length = 0;
  }

  private advance(): void {
    switch (this.state) {
      case "magic": {
        const magic = this.number(4);
        if (magic === MAGIC) this.enter("descriptor", 1);
        else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) this.enter("skippable-size", 4);
        else throw invalid("the archive's zstd data is damaged: no frame where one should begin");
        return;
      }
      case "skippable-size":
        this.lastBlock = true;
        this.hasChecksum = false;
        this.enter("data", this.number(4));
        return;
      case "descriptor": {
        const descriptor = this.bytes[0]!;
        const single = (descriptor & 0x20) !== 0;
        this.hasChecksum = (descriptor & 0x04) !== 0;
        const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
        const dictionary = [0, 1, 2, 4][descriptor & 3]!;
        this.enter("header", (single ? 0 : 1) + dictionary + contentSize);
        return;
      }
      case "header":
        this.enter("block", 3);
        return;
      case "block": {
        const header = this.number(3);
        this.lastBlock = (header & 1) !== 0;
        this.enter("data", ((header >> 1) & 3) === RLE ? 1 : header >> 3);
        return;
      }
      case "data":
        if (!this.lastBlock) this.enter("block", 3);
        else if (this.hasChecksum) this.enter("checksum", 4);
        else this.enter("magic", 4);
        return;
      case "checksum":
        this.enter("magic", 4);
    }
  }

  /** Little endian. */
  private number(length: number): number {
    let value = 0;
    for (let at = length - 1; at >= 0; at--) value = value * 256 + this.bytes[at]!;
    return value;
  }
}

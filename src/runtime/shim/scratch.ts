// The one buffer that every chunk of output passes through: room for a frame's header, then the chunk, then
// a NUL that nobody overwrites. The shim does
// one thing at a time, and nobody keeps a chunk after the call that it came in.
import { type FixedBuffer, fixedBuffer } from "../../linux/raw-io.ts";
import { FRAME_HEADER, STREAM_CHUNK } from "./protocol.ts";

export const scratch: FixedBuffer = fixedBuffer(FRAME_HEADER + STREAM_CHUNK + 1);

/** Where a chunk begins in `scratch`. */
export const CHUNK_START = FRAME_HEADER;

/** Puts a frame's header in front of the chunk of `length` bytes in `scratch`. */
export function frameScratch(type: number, length: number): void {
  const { bytes } = scratch;
  bytes[0] = length & 0xff;
  bytes[1] = (length >> 8) & 0xff;
  bytes[2] = (length >> 16) & 0xff;
  bytes[3] = (length >> 24) & 0xff;
  bytes[4] = type;
}

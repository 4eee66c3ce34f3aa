// The two shapes of what a daemon streams: JSON lines (pull, events), and standard output with standard error
// multiplexed over one connection (Engine API, "Stream format": byte 0 the stream, bytes 4 to 7 the length).
import { SdkError } from "./errors.ts";

export type StreamName = "stdin" | "stdout" | "stderr" | "systemerr";
export interface Frame {
  stream: StreamName;
  data: Uint8Array;
}

const NAMES: StreamName[] = ["stdin", "stdout", "stderr", "systemerr"];

/** Takes the multiplexed format apart. Frames may come in pieces: a long frame is given on as its bytes arrive. */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let header = new Uint8Array(8);
  let have = 0;
  let left = 0;
  let stream: StreamName = "stdout";
  for await (let chunk of source) {
    while (chunk.length > 0) {
      if (left > 0) {
        const data = chunk.subarray(0, left);
        left -= data.length;
        chunk = chunk.subarray(data.length);
        yield { stream, data };
        continue;
      }
      const part = chunk.subarray(0, 8 - have);
      header.set(part, have);
      have += part.length;
      chunk = chunk.subarray(part.length);
      if (have < 8) continue;
      const name = NAMES[header[0] ?? 255];
      if (!name) throw new SdkError("protocol", `Unrecognized input header: ${header[0]}`);
      stream = name;
      left = new DataView(header.buffer).getUint32(4);
      header = new Uint8Array(8);
      have = 0;
    }
  }
}

/**
 * As `demultiplex`, with what follows one another of the same stream in one piece: for whoever only passes bytes on. A chunk's
 * payloads are moved together in its own memory, so the chunks of `source` must be nobody else's.
 */
export async function* demultiplexRuns(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const header = new Uint8Array(8);
  let have = 0;
  let left = 0;
  let stream = 1;
  for await (const chunk of source) {
    let runStart = 0;
    let runEnd = 0;
    let run = stream;
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const length = Math.min(left, chunk.length - at);
        if (stream !== run) {
          if (runEnd > runStart) yield { stream: nameOf(run), data: chunk.subarray(runStart, runEnd) };
          run = stream;
          runStart = runEnd = at;
        }
        if (runEnd === runStart) runStart = runEnd = at;
        else if (runEnd !== at) chunk.copyWithin(runEnd, at, at + length);
        runEnd += length;
        at += length;
        left -= length;
        continue;
      }
      // The whole header is nearly always here.
      if (have === 0 && chunk.length - at >= 8) {
        stream = chunk[at] as number;
        left = readLength(chunk, at + 4);
        at += 8;
      } else {
        while (have < 8 && at < chunk.length) header[have++] = chunk[at++] as number;
        if (have < 8) break;
        stream = header[0] as number;
        left = readLength(header, 4);
        have = 0;
      }
      nameOf(stream);
    }
    if (runEnd > runStart) yield { stream: nameOf(run), data: chunk.subarray(runStart, runEnd) };
  }
}

const readLength = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

function nameOf(stream: number): StreamName {
  const name = NAMES[stream];
  if (!name) throw new SdkError("protocol", `Unrecognized input header: ${stream}`);
  return name;
}

/** Each JSON value of a stream of lines; a last line without its end counts too. */
export async function* jsonLines<T>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const line of textLines(source)) yield JSON.parse(line) as T;
}

/** The lines that aren't empty, without their ends. */
export async function* textLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of source) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end).trim();
      text = text.slice(end + 1);
      if (line) yield line;
    }
  }
  text += decoder.decode();
  if (text.trim()) yield text.trim();
}

/** A web stream as something to iterate; leaving early cancels it, and with it the request. */
export async function* bytesOf(stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (!stream) return;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((thrown: unknown) => {
        throw brokenOff(thrown);
      });
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {}); // already over, or its connection gone: nothing is lost
  }
}

/** The error for an answer that ended in its middle: its sender was killed, or the way to it was cut. */
export function brokenOff(thrown: unknown): unknown {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (!/ECONNRESET|EPIPE|ConnectionClosed|UNEXPECTED/i.test(code)) return thrown;
  return new SdkError("unreachable", "unexpected EOF", 0, { cause: thrown });
}

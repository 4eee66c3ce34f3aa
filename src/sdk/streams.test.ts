import { expect, test } from "bun:test";
import fc from "fast-check";
import { demultiplex, demultiplexRuns, jsonLines, type StreamName } from "./streams.ts";

function frame(stream: number, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = stream;
  new DataView(header.buffer).setUint32(4, data.length);
  return Buffer.concat([header, data]);
}

/** The bytes in pieces of the given sizes, over and over. */
async function* pieces(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });

test("runs: the same bytes in the same order, however they are cut", async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 30 })));
  await fc.assert(
    fc.asyncProperty(frames, sizes, async (list, cuts) => {
      const bytes = Buffer.concat(list.map(([stream, data]) => frame(stream, data)));
      let seen = "";
      for await (const { stream, data } of demultiplexRuns(pieces(Buffer.from(bytes), cuts)))
        for (const byte of data) seen += `${stream}${byte} `;
      let sent = "";
      for (const [stream, data] of list)
        for (const byte of data) sent += `${stream === 1 ? "stdout" : "stderr"}${byte} `;
      expect(seen).toBe(sent);
    }),
  );
  const whole = Buffer.concat([
    frame(1, Buffer.from("a\n")),
    frame(1, Buffer.from("b\n")),
    frame(2, Buffer.from("c")),
  ]);
  const runs: string[] = [];
  for await (const { stream, data } of demultiplexRuns(pieces(whole, [1000])))
    runs.push(`${stream} ${Buffer.from(data)}`);
  expect(runs).toEqual(["stdout a\nb\n", "stderr c"]);
});

test("frames come out as they went in, however the bytes are cut", async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 30 })));
  await fc.assert(
    fc.asyncProperty(frames, sizes, async (list, cuts) => {
      const bytes = Buffer.concat(list.map(([stream, data]) => frame(stream, data)));
      const seen: Record<string, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      for await (const { stream, data } of demultiplex(pieces(bytes, cuts))) {
        seen[stream] = Buffer.concat([seen[stream] ?? Buffer.alloc(0), data]);
      }
      for (const [name, number] of [
        ["stdout", 1],
        ["stderr", 2],
      ] as [StreamName, number][]) {
        const sent = Buffer.concat(list.filter(([stream]) => stream === number).map(([, data]) => data));
        expect(Buffer.compare(seen[name] as Buffer, sent)).toBe(0);
      }
    }),
  );
});

test("a header that is none is an error, not output", async () => {
  const read = async () => {
    for await (const _ of demultiplex(pieces(frame(9, new Uint8Array(1)), [100])));
  };
  await expect(read()).rejects.toThrow("Unrecognized input header: 9");
});

test("JSON lines come out as they went in, cut anywhere, with or without the last line's end", async () => {
  const values = fc.array(
    fc.record({ id: fc.string(), n: fc.integer(), text: fc.string({ unit: "grapheme" }) }),
  );
  await fc.assert(
    fc.asyncProperty(values, sizes, fc.constantFrom("\n", "\r\n", ""), async (list, cuts, end) => {
      const text = list.map((value) => JSON.stringify(value)).join("\r\n") + (list.length > 0 ? end : "");
      const seen: unknown[] = [];
      for await (const value of jsonLines(pieces(Buffer.from(text), cuts))) seen.push(value);
      expect(seen).toEqual(list);
    }),
  );
});

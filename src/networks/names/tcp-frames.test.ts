import { expect, test } from "bun:test";
import fc from "fast-check";
import { frame, frameReader } from "./tcp-frames.ts";

test("messages come out whole and in order, however the stream is cut", () => {
  const message = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(2000)), (messages, cuts) => {
      const stream = Buffer.concat(messages.map(frame));
      const read = frameReader();
      const places = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
      const out = places.slice(1).flatMap((end, i) => read(stream.subarray(places[i], end)));
      expect(out).toEqual(messages);
    }),
  );
});

test("a message of the largest size", () => {
  const largest = Buffer.alloc(65535, 7);
  expect(frameReader()(frame(largest))).toEqual([largest]);
});

test("half a length and half a message give nothing yet", () => {
  const read = frameReader();
  expect(read(Buffer.of(0))).toEqual([]);
  expect(read(Buffer.of(3, 1, 2))).toEqual([]);
  expect(read(Buffer.of(3))).toEqual([Buffer.of(1, 2, 3)]);
});

import { expect, test } from "bun:test";
import { create, equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { StatusResponseSchema } from "../../buildkit/messages/control_pb.ts";
import { digestOf } from "../../oci/digest.ts";
import { statusMessages } from "../control/status-messages.ts";
import type { ProgressEvent } from "../solver/progress.ts";
import { countSteps, decodeStatusLog, encodeStatusLog } from "./status-log.ts";

const digest = fc.string().map((text) => digestOf(text));
const time = fc.integer({ min: 1, max: 2e12 });
const event: fc.Arbitrary<ProgressEvent> = fc.oneof(
  fc.record({
    kind: fc.constant("vertex" as const),
    digest,
    inputs: fc.array(digest, { maxLength: 3 }),
    name: fc.string(),
    cached: fc.boolean(),
    started: time,
    error: fc.string(),
  }),
  fc.record({
    kind: fc.constant("status" as const),
    vertex: digest,
    id: fc.string(),
    name: fc.string(),
    current: fc.nat(),
    total: fc.nat(),
    time,
  }),
  fc.record({
    kind: fc.constant("log" as const),
    vertex: digest,
    time,
    stream: fc.constantFrom(1 as const, 2 as const),
    // Long enough for several messages
    data: fc.integer({ min: 0, max: 900_000 }).map((length) => new Uint8Array(length).fill(97)),
  }),
);

test("a log is read back as it was told", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), (events) => {
      const told = [...statusMessages(events)].map((message) => create(StatusResponseSchema, message));
      const read = [...decodeStatusLog(encodeStatusLog(events))];
      expect(read.length).toBe(told.length);
      for (const [at, message] of told.entries())
        expect(equals(StatusResponseSchema, message, read[at]!)).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test("a log that was cut off is refused", () => {
  const whole = encodeStatusLog([
    { kind: "log", vertex: digestOf("a"), time: 1, stream: 1, data: Buffer.from("text") },
  ]);
  for (const length of [1, 3, 5, whole.length - 1])
    expect(() => [...decodeStatusLog(whole.subarray(0, length))]).toThrow("ends within a message");
});

test("steps count once, by the best that was said of them", () => {
  const vertex = (name: string, more: Partial<ProgressEvent> = {}): ProgressEvent =>
    ({
      kind: "vertex",
      digest: digestOf(name),
      inputs: [],
      name,
      cached: false,
      error: "",
      ...more,
    }) as ProgressEvent;
  const events = [
    vertex("a"),
    vertex("b"),
    vertex("c"),
    vertex("a", { started: 1 }),
    vertex("a", { started: 1, completed: 2 }),
    vertex("b", { started: 1, completed: 2, cached: true }),
    vertex("b", { started: 1, completed: 2 }),
    { kind: "warning", vertex: "", level: 1, short: "", detail: [], url: "", ranges: [] },
  ] satisfies ProgressEvent[];
  expect(countSteps(events)).toEqual({ total: 3, completed: 2, cached: 1, warnings: 1 });
});

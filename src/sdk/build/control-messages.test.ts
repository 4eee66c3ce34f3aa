import { expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  ListWorkersResponseSchema,
  SolveRequestSchema,
  SolveResponseSchema,
  StatusRequestSchema,
  type StatusResponse,
  StatusResponseSchema,
} from "../../buildkit/messages/control_pb.ts";
import {
  decodeSolveResponse,
  decodeStatus,
  decodeWorkerLabels,
  encodeSolve,
  encodeStatusRequest,
} from "./control-messages.ts";
import { eventOf } from "./events.ts";

/** A few of each: what could go wrong is in their shapes, not in their number. */
const some = <T>(each: fc.Arbitrary<T>) => fc.array(each, { maxLength: 3 });
const RUNS = { numRuns: 50 };
const text = fc.string({ maxLength: 12 });
const map = fc
  .dictionary(text, text, { noNullPrototype: true, maxKeys: 4 })
  .filter((it) => !Object.hasOwn(it, "__proto__"));
const typed = fc.record({ type: text, attrs: map });
const bytes = fc.uint8Array({ maxLength: 40 });
const long = fc.bigInt({ min: 0n, max: 1n << 52n });
const time = fc.option(fc.record({ seconds: long, nanos: fc.nat(999_999_999) }), { nil: undefined });
const position = fc.record({ line: fc.nat(), character: fc.nat() });

test("a request is what the generated messages read", () => {
  fc.assert(
    fc.property(
      fc.record({
        ref: text,
        session: text,
        frontend: text,
        frontendAttrs: map,
        exporters: some(typed),
        cacheExports: some(typed),
        cacheImports: some(typed),
        entitlements: some(text),
        internal: fc.boolean(),
      }),
      (order) => {
        const { cacheExports: exports, cacheImports: imports, ...rest } = order;
        const [first] = order.exporters;
        expect(fromBinary(SolveRequestSchema, encodeSolve(order))).toEqual(
          create(SolveRequestSchema, {
            ...rest,
            cache: { exports, imports },
            exporterDeprecated: first?.type ?? "",
            exporterAttrsDeprecated: first?.attrs ?? {},
          }),
        );
      },
    ),
    RUNS,
  );
});

test("a question for a build's status is what the generated messages read", () => {
  expect(fromBinary(StatusRequestSchema, encodeStatusRequest("abc")).ref).toBe("abc");
});

test("answers say the same as by the generated messages", () => {
  fc.assert(
    fc.property(map, (response) => {
      const written = toBinary(
        SolveResponseSchema,
        create(SolveResponseSchema, { exporterResponse: response }),
      );
      expect(decodeSolveResponse(written)).toEqual(response);
      const workers = create(ListWorkersResponseSchema, {
        record: [{ id: "x", labels: response, platforms: [{ os: "linux" }] }, {}],
      });
      expect(decodeWorkerLabels(toBinary(ListWorkersResponseSchema, workers))).toEqual([
        { labels: response },
        { labels: {} },
      ]);
    }),
    RUNS,
  );
});

const group = fc.option(fc.record({ id: text, name: text, weak: fc.boolean() }), { nil: undefined });
const status = fc.record({
  vertexes: some(
    fc.record({
      digest: text,
      inputs: some(text),
      name: text,
      cached: fc.boolean(),
      started: time,
      completed: time,
      error: text,
      progressGroup: group,
    }),
  ),
  statuses: some(
    fc.record({
      id: text,
      vertex: text,
      name: text,
      current: long,
      total: long,
      timestamp: time,
      started: time,
      completed: time,
    }),
  ),
  logs: some(fc.record({ vertex: text, timestamp: time, stream: fc.bigInt(1n, 2n), msg: bytes })),
  warnings: some(
    fc.record({
      vertex: text,
      level: long,
      short: bytes,
      detail: some(bytes),
      url: text,
      info: fc.option(fc.record({ filename: text, data: bytes, language: text }), { nil: undefined }),
      ranges: some(fc.record({ start: position, end: position })),
    }),
  ),
});

/** Without what is undefined, and messages as their plain fields. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, each) => {
      if (key === "$typeName" || key === "$unknown") return undefined;
      if (typeof each === "bigint") return `${each}n`;
      return each instanceof Uint8Array ? [...each] : each;
    }),
  );

test("what happens in a build is the same as by the generated messages", () => {
  fc.assert(
    fc.property(status, (fields) => {
      const message = create(StatusResponseSchema, fields as unknown as StatusResponse);
      const written = toBinary(StatusResponseSchema, message);
      expect(plain(decodeStatus(written))).toEqual(plain(eventOf(fromBinary(StatusResponseSchema, written))));
    }),
    RUNS,
  );
});

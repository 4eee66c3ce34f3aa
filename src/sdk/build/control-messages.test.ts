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

const text = fc.string();
const map = fc.dictionary(text, text, { noNullPrototype: true }).filter((it) => !("__proto__" in it));
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
        exporters: fc.array(typed),
        cacheExports: fc.array(typed),
        cacheImports: fc.array(typed),
        entitlements: fc.array(text),
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
  );
});

const group = fc.option(fc.record({ id: text, name: text, weak: fc.boolean() }), { nil: undefined });
const status = fc.record({
  vertexes: fc.array(
    fc.record({
      digest: text,
      inputs: fc.array(text),
      name: text,
      cached: fc.boolean(),
      started: time,
      completed: time,
      error: text,
      progressGroup: group,
    }),
  ),
  statuses: fc.array(
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
  logs: fc.array(fc.record({ vertex: text, timestamp: time, stream: fc.bigInt(1n, 2n), msg: bytes })),
  warnings: fc.array(
    fc.record({
      vertex: text,
      level: long,
      short: bytes,
      detail: fc.array(bytes),
      url: text,
      info: fc.option(fc.record({ filename: text, data: bytes, language: text }), { nil: undefined }),
      ranges: fc.array(fc.record({ start: position, end: position })),
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
  );
});

import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { BytesMessageSchema } from "../../../buildkit/messages/session_pb.ts";
import { pieces } from "./bytes-messages.ts";

function framed(data: Uint8Array): Uint8Array {
  const message = toBinary(BytesMessageSchema, create(BytesMessageSchema, { data }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function joined(chunks: Uint8Array[]): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces(
    (async function* () {
      yield* chunks;
    })(),
  ))
    all.push(piece);
  return Buffer.concat(all);
}

test("messages give their bytes however they are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.integer({ min: 1, max: 50 }),
      async (messages, size) => {
        const stream = Buffer.concat(messages.map(framed));
        const cut: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += size) cut.push(stream.subarray(at, at + size));
        expect(await joined(cut)).toEqual(Buffer.concat(messages));
      },
    ),
  );
});

test.each([
  ["its middle", framed(new Uint8Array(20)).subarray(0, 15)],
  ["another field", Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01])],
  ["compression", Buffer.from([1, 0, 0, 0, 0])],
])("a stream with %s is refused", async (_, bytes) => {
  expect(joined([bytes])).rejects.toThrow();
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { MessageReader } from "./agent-messages.ts";

const message = (content: Uint8Array) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  return Buffer.concat([head, content]);
};

test("messages come whole and in order, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 })),
      fc.integer({ min: 1, max: 20 }),
      (contents, size) => {
        const bytes = Buffer.concat(contents.map(message));
        const reader = new MessageReader();
        const found: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size)
          found.push(...reader.take(bytes.subarray(at, at + size)).map((one) => Buffer.from(one)));
        expect(found).toEqual(contents.map(message));
      },
    ),
  );
});

test("a message that is longer than any agent's is refused", () => {
  expect(() => new MessageReader().take(Buffer.from([0xff, 0, 0, 0]))).toThrow("too long");
});

// The multiplexed stream's frames and the heads of hijacked connections.
import { expect, test } from "bun:test";
import { Duplex } from "node:stream";
import fc from "fast-check";
import type { Attachment, OutputChunk } from "../containers/types.ts";
import { contentTypeOf, frame, hijackHead, join } from "./streams.ts";
import type { ApiVersion } from "./versions.ts";

test("a frame is eight bytes of head and the payload", () => {
  expect([...frame("stdout", Buffer.from("hi\n"))]).toEqual([1, 0, 0, 0, 0, 0, 0, 3, 104, 105, 10]);
  expect([...frame("stderr", new Uint8Array(0))]).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
  expect([...frame("system", new Uint8Array(300)).subarray(0, 8)]).toEqual([3, 0, 0, 0, 0, 0, 1, 44]);
});

test("frames that follow each other come apart again", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("stdout", "stderr"), fc.uint8Array({ maxLength: 300 }))),
      (pieces) => {
        let rest: Uint8Array = Buffer.concat(pieces.map(([stream, data]) => frame(stream as "stdout", data)));
        const seen: [string, number[]][] = [];
        while (rest.length > 0) {
          const length = new DataView(rest.buffer, rest.byteOffset).getUint32(4);
          seen.push([rest[0] === 1 ? "stdout" : "stderr", [...rest.subarray(8, 8 + length)]]);
          rest = rest.subarray(8 + length);
        }
        expect(seen).toEqual(pieces.map(([stream, data]) => [stream, [...data]]));
      },
    ),
  );
});

test("heads", () => {
  expect(hijackHead(true, "application/vnd.docker.multiplexed-stream")).toBe(
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
  );
  expect(hijackHead(false, "application/vnd.docker.multiplexed-stream")).toBe(
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
  );
});

test.each([
  [false, 42, "application/vnd.docker.multiplexed-stream"],
  [false, 41, "application/vnd.docker.raw-stream"],
  [true, 51, "application/vnd.docker.raw-stream"],
])("tty %p at 1.%i is %s", (tty, version, type) => {
  expect(contentTypeOf(tty, version as ApiVersion)).toBe(type);
});

/** An attachment that records what it is given and gives what it was told to. */
function attachmentOf(chunks: AsyncIterable<OutputChunk>) {
  const taken: string[] = [];
  const attachment: Attachment = {
    tty: false,
    output: chunks,
    async write(data) {
      await Bun.sleep(1);
      taken.push(Buffer.from(data).toString());
    },
    closeStdin: () => taken.push("<end>"),
    async [Symbol.asyncDispose]() {
      taken.push("<disposed>");
    },
  };
  return { attachment, taken };
}

/** A socket whose other end is in the test's hands. */
function socketPair() {
  const received: Buffer[] = [];
  const socket = new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received.push(chunk);
      done();
    },
  });
  return { socket, received };
}

test("input keeps its order, its end comes after it, and the output's end ends the connection", async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { attachment, taken } = attachmentOf(
    (async function* () {
      yield { stream: "stdout" as const, data: Buffer.from("one") };
      await mayEnd;
      yield { stream: "stderr" as const, data: Buffer.from("two") };
    })(),
  );
  const { socket, received } = socketPair();
  const joined = join(socket, attachment, new AbortController().signal);
  for (const text of ["a", "b", "c"]) socket.push(text);
  socket.push(null);
  while (!taken.includes("<end>")) await Bun.sleep(1);
  end();
  await joined;
  expect(taken).toEqual(["a", "b", "c", "<end>", "<disposed>"]);
  expect(Buffer.concat(received)).toEqual(
    Buffer.concat([frame("stdout", Buffer.from("one")), frame("stderr", Buffer.from("two"))]),
  );
  expect(socket.writableEnded).toBe(true);
});

test("a client that leaves ends the attachment, though the program goes on", async () => {
  const { attachment, taken } = attachmentOf(
    (async function* () {
      await new Promise(() => undefined);
      yield { stream: "stdout" as const, data: Buffer.from("never") };
    })(),
  );
  const { socket } = socketPair();
  const joined = join(socket, attachment, new AbortController().signal);
  socket.destroy();
  await joined;
  expect(taken).toEqual(["<disposed>"]);
});

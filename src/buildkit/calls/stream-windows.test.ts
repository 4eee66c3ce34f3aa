import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import net from "node:net";
import fc from "fast-check";
import { serveGrpc } from "../grpc/server.ts";
import { WindowMender } from "./stream-windows.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}
function settings(window: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(4, 0);
  payload.writeUInt32BE(window, 2);
  return frame(4, 0, 0, payload);
}
function update(id: number, more: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(more);
  return frame(8, 0, id, payload);
}
const data = (id: number, length: number) => frame(0, 0, id, new Uint8Array(length).fill(7));

async function until(reached: () => boolean): Promise<void> {
  for (let tries = 0; !reached() && tries < 150; tries++) await Bun.sleep(20);
}

test("a later setting becomes an update of each open stream, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (size) => {
      const out: Buffer[] = [];
      const mender = new WindowMender(true, (bytes) => out.push(Buffer.from(bytes)));
      const first = Buffer.concat([PREFACE, settings(1000), data(1, 300)]);
      const second = Buffer.concat([
        data(3, 50),
        settings(1500),
        data(1, 20),
        settings(1200),
        settings(4000),
      ]);
      const feed = (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; at += size) mender.take(bytes.subarray(at, at + size));
      };
      feed(first);
      for (const id of [1, 3, 5]) mender.opened(id);
      mender.closed(5);
      feed(second);
      mender.opened(7);
      const both = (more: number) => [update(1, more), update(3, more)];
      expect(Buffer.concat(out)).toEqual(
        Buffer.concat([
          first,
          data(3, 50),
          settings(1000),
          ...both(500),
          data(1, 20),
          settings(1000),
          settings(1000),
          ...both(2500),
          update(7, 3000),
        ]),
      );
    }),
  );
});

test("a stream of a server goes on when the client raises the window after an update (gRPC for Go)", async () => {
  const path = `/tmp/berth-window-${crypto.randomUUID()}.sock`;
  const amount = 150_000;
  const listener = net.createServer((socket) => {
    void serveGrpc(socket, () => {}, { "/a/B": (stream) => stream.write(new Uint8Array(amount)) });
  });
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  const client = net.connect(path);
  let received = 0;
  let held = Buffer.alloc(0);
  client.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const length = held.readUIntBE(0, 3);
      if (held[3] === 0) received += length;
      held = held.subarray(9 + length);
    }
  });
  const literal = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  const headers = [
    [":method", "POST"],
    [":path", "/a/B"],
    [":scheme", "http"],
    [":authority", "l"],
  ] as const;
  try {
    client.write(Buffer.concat([PREFACE, settings(10_000), update(0, 1 << 24)]));
    client.write(frame(1, 4, 1, Buffer.concat(headers.map(([name, value]) => literal(name, value)))));
    client.write(update(1, 90_000));
    await until(() => received >= 100_000);
    expect(received).toBe(100_000);
    client.write(settings(60_000));
    await until(() => received >= amount);
    expect(received).toBe(amount);
  } finally {
    client.destroy();
    listener.close();
    rmSync(path, { force: true });
  }
});

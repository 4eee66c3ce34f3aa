import { expect, test } from "bun:test";
import { unlinkSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { AUTHORITY, callFramed, GrpcError } from "../calls/index.ts";
import { SourceSchema } from "../messages/errors_pb.ts";
import { PacketSchema } from "../messages/file-sync_pb.ts";
import { LLBBridge } from "../messages/gateway_pb.ts";
import { FileSync } from "../messages/session_pb.ts";
import { openGrpc } from "./client.ts";
import { serveGrpc } from "./server.ts";

async function pair(): Promise<[net.Socket, net.Socket, () => void]> {
  const path = `/tmp/berth-grpc-${crypto.randomUUID()}.sock`;
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.on("connection", resolve));
  const client = net.connect(path);
  return [
    await accepted,
    client,
    () => {
      client.destroy();
      server.close();
      try {
        unlinkSync(path);
      } catch {}
    },
  ];
}

test("messages go both ways on one call, and an error keeps its details", async () => {
  const [one, other, end] = await pair();
  try {
    const served = serveGrpc(one, (router) => {
      router.service(FileSync, {
        async *diffCopy(packets) {
          let last = 0;
          for await (const packet of packets) {
            last = packet.id;
            if (last % 100 === 0) yield create(PacketSchema, { id: last });
          }
          throw new ConnectError("no more", Code.Aborted, undefined, [
            { desc: SourceSchema, value: { ranges: [{ start: { line: last } }] } },
          ]);
        },
      });
    });
    const connection = openGrpc(other);
    const client = createClient(FileSync, connection.transport);
    async function* numbers() {
      for (let id = 1; id <= 1000; id++) yield create(PacketSchema, { id, data: new Uint8Array(1000) });
    }
    const seen: number[] = [];
    let thrown: unknown;
    try {
      for await (const packet of client.diffCopy(numbers())) seen.push(packet.id);
    } catch (error) {
      thrown = error;
    }
    expect(seen).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    expect(ConnectError.from(thrown).code).toBe(Code.Aborted);
    expect(ConnectError.from(thrown).findDetails(SourceSchema)[0]?.ranges[0]?.start?.line).toBe(1000);
    connection.close();
    await connection.closed;
    await served;
  } finally {
    end();
  }
});

test("a call that nobody registered is unimplemented", async () => {
  const [one, other, end] = await pair();
  try {
    void serveGrpc(one, () => {});
    const client = createClient(FileSync, openGrpc(other).transport);
    const call = async () => {
      for await (const _ of client.tarStream((async function* () {})()));
    };
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => ConnectError.from(thrown).code,
    );
    expect(error).toBe(Code.Unimplemented);
  } finally {
    end();
  }
});

test("a call that frames its own messages has headers as they came, bytes both ways, and a status", async () => {
  const [one, other, end] = await pair();
  try {
    const patterns = Array.from({ length: 2000 }, (_, i) => `pattern ${i}, with a comma`);
    void serveGrpc(one, () => {}, {
      "/test.Echo/Twice": async (stream) => {
        const got = stream.headers.filter(([name]) => name === "patterns").map(([, value]) => value);
        await stream.write(Buffer.from(JSON.stringify(got)));
        let bytes = 0;
        for await (const chunk of stream.chunks) bytes += chunk.length;
        throw new ConnectError(`got ${bytes} bytes, 100% of ü`, Code.NotFound);
      },
    });
    const connection = openGrpc(other);
    const call = callFramed(connection, "/test.Echo/Twice", { patterns });
    const piece = Buffer.alloc(100_000);
    for (let i = 0; i < 50; i++) await call.write(piece);
    call.end();
    let answer = "";
    for await (const chunk of call.chunks) answer += Buffer.from(chunk).toString();
    expect(JSON.parse(answer)).toEqual(patterns);
    const error = await call.status.then(
      () => undefined,
      (thrown: unknown) => GrpcError.from(thrown),
    );
    expect(error?.code).toBe(Code.NotFound);
    expect(error?.rawMessage).toBe("got 5000000 bytes, 100% of ü");
    connection.close();
  } finally {
    end();
  }
});

test("large answers all come, also while nobody has read the first of them", async () => {
  const [one, other, end] = await pair();
  try {
    void serveGrpc(one, (router) => {
      router.service(LLBBridge, { readFile: async () => ({ data: new Uint8Array(1 << 20) }) });
    });
    // With HTTP/2's own windows, which hold the answers up in the server.
    const session = http2.connect(AUTHORITY, { createConnection: () => other });
    const path = `/${LLBBridge.typeName}/ReadFile`;
    const answers = Array.from({ length: 24 }, async () => {
      const call = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
      call.end(new Uint8Array(5));
      let bytes = 0;
      call.on("data", (chunk: Uint8Array) => {
        bytes += chunk.length;
      });
      await new Promise((resolve) => call.on("close", resolve).on("error", resolve));
      return bytes;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([(1 << 20) + 9]));
    session.close();
  } finally {
    end();
  }
});

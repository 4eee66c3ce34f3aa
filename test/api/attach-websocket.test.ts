// attach/ws with a real WebSocket client (Bun's), over TCP: a unix socket has no address for one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let address: string;
beforeAll(async () => {
  const port = await freePort();
  address = `127.0.0.1:${port}`;
  daemon = await startDaemon({ hosts: [`tcp://${address}`] });
  expect((await daemon.request("POST", "/images/create?fromImage=busybox&tag=latest")).status).toBe(200);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function started(Cmd: string[], config: Record<string, unknown> = {}): Promise<string> {
  const created = await daemon.request("POST", "/containers/create", {
    body: { Image: "busybox", Cmd, ...config },
  });
  const { Id } = created.json<{ Id: string }>();
  expect((await daemon.request("POST", `/containers/${Id}/start`)).status).toBe(204);
  return Id;
}

/** Connects; `text` is all that came so far. */
async function attached(id: string, query: string) {
  const client = new WebSocket(`ws://${address}/v1.51/containers/${id}/attach/ws?${query}`);
  client.binaryType = "arraybuffer";
  const state = { text: "", kinds: new Set<string>(), code: 0 };
  const waiting = new Set<() => void>();
  client.onmessage = ({ data }) => {
    state.kinds.add(typeof data === "string" ? "text" : "binary");
    state.text += typeof data === "string" ? data : Buffer.from(data as ArrayBuffer).toString();
    for (const look of waiting) look();
  };
  const closed = new Promise<void>((resolve) => {
    client.onclose = ({ code }) => {
      state.code = code;
      resolve();
    };
  });
  await new Promise((resolve, reject) => {
    client.onopen = resolve;
    client.onerror = reject;
  });
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!pattern.test(state.text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { client, state, closed, until };
}

test("input and output of a program, in binary frames, until it ends", async () => {
  const id = await started(["sh", "-c", "read line; echo got $line; echo error >&2; exit 3"], {
    OpenStdin: true,
  });
  const { client, state, closed, until } = await attached(id, "stream=1&stdin=1&stdout=1&stderr=1");
  client.send("hello\n");
  await until(/got hello\n[\s\S]*error\n|error\n[\s\S]*got hello\n/);
  await closed;
  expect(state.code).toBe(1000);
  expect([...state.kinds]).toEqual(["binary"]);
});

test("a terminal, for two clients at once, with what was logged before; one that leaves changes nothing", async () => {
  const id = await started(["sh"], { OpenStdin: true, Tty: true });
  const first = await attached(id, "stream=1&stdin=1&stdout=1&stderr=1");
  first.client.send(Buffer.from("echo $((40+2))\n"));
  await first.until(/42\r\n/);
  const second = await attached(id, "logs=1&stream=1&stdin=1&stdout=1");
  await second.until(/42\r\n/);
  first.client.close();
  await first.closed;
  second.client.send(`echo ${"x".repeat(300)}y\n`);
  await second.until(/x{300}y\r\n/);
  const big = "z".repeat(70_000);
  second.client.send(`cat >/dev/null <<E\n${big}\nE\necho $((50+5))\n`);
  await second.until(/55\r\n/);
  second.client.send("exit\n");
  await second.closed;
});

test("only the streams that were asked for", async () => {
  const id = await started(["sh", "-c", "read x; echo out; echo err >&2"], { OpenStdin: true });
  const { client, state, closed } = await attached(id, "stream=1&stdin=1&stderr=1");
  client.send("\n");
  await closed;
  expect(state.text).toBe("err\n");
});

test("what is no WebSocket, and what is no container", async () => {
  const id = await started(["sleep", "60"]);
  const plain = await daemon.request("GET", `/containers/${id}/attach/ws?stream=1`);
  expect({ status: plain.status, text: plain.text }).toEqual({ status: 400, text: "not websocket protocol" });
  const missing = await daemon.request("GET", "/containers/nosuch/attach/ws?stream=1");
  expect({ status: missing.status, body: missing.json() }).toEqual({
    status: 404,
    body: { message: "No such container: nosuch" },
  });
});

test("a ping longer than a control frame may be ends the connection", async () => {
  const id = await started(["sleep", "60"]);
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const got: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => got.push(chunk));
  socket.write(
    `GET /v1.51/containers/${id}/attach/ws?stream=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const ping = (length: number) => Buffer.from([0x89, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]);
  socket.write(Buffer.concat([ping(126), Buffer.alloc(126)]));
  await new Promise((resolve) => socket.once("end", resolve));
  socket.destroy();
  const answer = Buffer.concat(got);
  // A close frame with 1002 (protocol error), and no pong before it.
  expect([...answer.subarray(answer.indexOf("\r\n\r\n") + 4)]).toEqual([0x88, 2, 1002 >> 8, 1002 & 255]);
});

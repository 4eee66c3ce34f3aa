// Host ports that a shim holds for its container.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { connectShim } from "../../src/runtime/index.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { bundle } from "./fixture.ts";

/** What a server on the port gets to hear: undefined where it can have it. */
function tryPort(port: number, host = "127.0.0.1"): Promise<string | undefined> {
  const server = createServer();
  return new Promise((done) => {
    server.on("error", (error: NodeJS.ErrnoException) => done(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(undefined)));
  });
}

function tryUdpPort(port: number): Promise<string | undefined> {
  const socket = createSocket("udp4");
  return new Promise((done) => {
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code));
    socket.bind(port, "127.0.0.1", () => socket.close(() => done(undefined)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "0.0.0.0", done));
  const { port } = server.address() as { port: number };
  await new Promise<void>((done) => void server.close(() => done()));
  return port;
}

test("nobody else gets a held port, through the daemon's restart, until the container is removed", async () => {
  const port = await freePort();
  await using made = await bundle({
    args: ["/bin/sleep", "1000"],
    reservePorts: [
      { protocol: "tcp", address: "0.0.0.0", port },
      { protocol: "udp", address: "0.0.0.0", port },
      { protocol: "tcp", address: "::", port },
    ],
  });
  const first = await made.start();
  expect(await tryPort(port)).toBe("EADDRINUSE");
  expect(await tryPort(port, "::1")).toBe("EADDRINUSE");
  expect(await tryUdpPort(port)).toBe("EADDRINUSE");
  await first[Symbol.asyncDispose]();
  expect(await tryPort(port)).toBe("EADDRINUSE");
  await using second = await connectShim(made.dir);
  await second.remove();
  expect(await tryPort(port)).toBeUndefined();
  expect(await tryUdpPort(port)).toBeUndefined();
});

test("a connection to a held port that no rule redirects is refused, not left hanging", async () => {
  const port = await freePort();
  await using made = await bundle({
    args: ["/bin/true"],
    reservePorts: [{ protocol: "tcp", address: "127.0.0.1", port }],
  });
  await using shim = await made.start();
  const connecting = Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  await expect(connecting).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await shim.remove();
});

test("a port in use is an error that names it", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  try {
    await using made = await bundle({
      args: ["/bin/true"],
      reservePorts: [{ protocol: "tcp", address: "0.0.0.0", port }],
    });
    await expect(made.start()).rejects.toMatchObject({
      code: "EADDRINUSE",
      message: `bind 0.0.0.0:${port}/tcp: address already in use`,
    });
  } finally {
    await new Promise<void>((done) => void server.close(() => done()));
  }
});

describe("what arrives at a forwarded port", () => {
  /** More than the sockets' buffers hold. */
  const MUCH = 24 << 20;
  let server: Server;
  let target: number;
  let port: number;
  /** What the server does with a connection. */
  let serve: (socket: Socket) => void;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => serve(socket.on("error", () => {})));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    target = (server.address() as { port: number }).port;
    port = await freePort();
  });
  afterEach(() => void server.close());

  const forwarding = (protocol: "tcp" | "udp" = "tcp") =>
    ({ protocol, address: "::1", port, forward: { address: "127.0.0.1", port: target } }) as const;
  const call = () => connect({ host: "::1", port, allowHalfOpen: true });
  /** What it reads until the other side's end; it may still send. */
  const all = (socket: Socket) =>
    new Promise<Buffer>((done, failed) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => done(Buffer.concat(chunks)));
      socket.on("error", failed);
    });

  test("goes to the container and its answers come back, each way to its own end", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    serve = async (socket) => {
      const heard = await all(socket);
      socket.end(`heard ${heard}`);
    };
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const socket = call();
        socket.end(`number ${i}`);
        return all(socket).then(String);
      }),
    );
    expect(answers).toEqual(Array.from({ length: 40 }, (_, i) => `heard number ${i}`));
    await shim.remove();
  });

  test("isn't lost when one side reads slowly", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    const sent = Buffer.alloc(MUCH);
    for (let i = 0; i < MUCH; i += 4) sent.writeUInt32LE(i, i);
    serve = (socket) => socket.pipe(socket);
    const socket = call();
    socket.end(sent);
    socket.pause();
    await Bun.sleep(500);
    const heard = all(socket);
    socket.resume();
    expect((await heard).equals(sent)).toBe(true);
    await shim.remove();
  });

  test("ends at once where the container refuses it, or cuts it off", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    serve = (socket) => socket.resetAndDestroy();
    const cut = await all(call()).catch((error: NodeJS.ErrnoException) => error.code);
    expect(["ECONNRESET", 0]).toContain(typeof cut === "string" ? cut : (cut?.length ?? 0));
    await new Promise<void>((done) => void server.close(() => done()));
    const refused = await all(call()).catch((error: NodeJS.ErrnoException) => error.code);
    expect(["ECONNRESET", 0]).toContain(typeof refused === "string" ? refused : (refused?.length ?? 0));
    await shim.remove();
  });

  test("goes nowhere any more when other ports are kept, and to a new address when it has one", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    serve = (socket) => socket.end("old");
    expect(String(await all(call()))).toBe("old");
    const other = createServer((socket) => socket.end("new"));
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const forward = { address: "127.0.0.1", port: (other.address() as { port: number }).port };
    await shim.keepPorts([
      { ...forwarding(), forward },
      { protocol: "udp", address: "0.0.0.0", port },
    ]);
    expect(String(await all(call()))).toBe("new");
    expect(await tryUdpPort(port)).toBe("EADDRINUSE");
    // One that can't be had: all stays as it is.
    const taken = { protocol: "tcp", address: "127.0.0.1", port: forward.port } as const;
    await expect(shim.keepPorts([taken])).rejects.toThrow("address already in use");
    expect(String(await all(call()))).toBe("new");
    await shim.keepPorts([]);
    expect(await tryPort(port, "::1")).toBeUndefined();
    expect(await tryUdpPort(port)).toBeUndefined();
    other.close();
    await shim.remove();
  });

  test("is carried no more when the port is only to be kept, and again when it is to be forwarded", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    serve = (socket) => socket.end("served");
    const { forward: _forward, ...kept } = forwarding();
    const taken = { protocol: "tcp", address: "127.0.0.1", port: target } as const;
    for (const round of [1, 2]) {
      expect({ round, said: String(await all(call())) }).toEqual({ round, said: "served" });
      // With another that can't be had all stays as it is.
      await expect(shim.keepPorts([kept, taken])).rejects.toThrow("address already in use");
      expect(String(await all(call()))).toBe("served");
      await shim.keepPorts([kept]);
      expect(await tryPort(port, "::1")).toBe("EADDRINUSE");
      const said = await all(call()).catch((error: NodeJS.ErrnoException) => error.code);
      expect(said === "ECONNREFUSED" || said?.length === 0).toBe(true);
      await shim.keepPorts([forwarding()]);
    }
    await shim.remove();
  });

  test("leaves the shim descriptors of its own; who is too many waits", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], reservePorts: [forwarding()] });
    await using shim = await made.start();
    const pid = readFileSync(`${made.dir}/shim.pid`, "utf8");
    expect(Bun.spawnSync(["prlimit", "--pid", pid, "--nofile=64:64"]).exitCode).toBe(0);
    serve = (socket) => socket.pipe(socket);
    const sockets = Array.from({ length: 60 }, () => call().on("error", () => {}));
    const answers = sockets.map(
      (socket) => new Promise<string>((done) => socket.once("data", (data) => done(String(data)))),
    );
    let answered = 0;
    for (const [i, socket] of sockets.entries()) {
      socket.write(`number ${i}`);
      void answers[i]?.then(() => answered++);
    }
    await waitFor(() => answered >= 24, "connections that have room");
    await using second = await connectShim(made.dir);
    expect((await second.state()).execs).toEqual([]);
    expect(answered).toBe(24);
    // As some leave, others come in.
    for (const [i, socket] of sockets.entries()) void answers[i]?.then(() => socket.destroy());
    expect(await Promise.all(answers)).toEqual(answers.map((_, i) => `number ${i}`));
    await shim.remove();
  });

  test("comes back to its sender alone by UDP", async () => {
    const echo = createSocket("udp4");
    echo.on("message", (message, from) => echo.send(`heard ${message}`, from.port, from.address));
    await new Promise<void>((done) => echo.bind(0, "127.0.0.1", done));
    const forward = { address: "127.0.0.1", port: echo.address().port };
    await using made = await bundle({
      args: ["/bin/sleep", "1000"],
      reservePorts: [{ ...forwarding("udp"), forward }],
    });
    await using shim = await made.start();
    const ask = async (word: string) => {
      const socket = createSocket("udp6");
      const heard = new Promise<string>((done) => socket.on("message", (message) => done(String(message))));
      socket.send(word, port, "::1");
      return heard.finally(() => socket.close());
    };
    const words = Array.from({ length: 20 }, (_, i) => `word ${i}`);
    expect(await Promise.all(words.map(ask))).toEqual(words.map((word) => `heard ${word}`));
    // Nobody there: the next that is there is heard all the same.
    await shim.keepPorts([{ ...forwarding("udp"), forward: { ...forward, port: target } }]);
    const lost = createSocket("udp6");
    lost.send("lost", port, "::1");
    await Bun.sleep(100);
    lost.close();
    await shim.keepPorts([{ ...forwarding("udp"), forward }]);
    expect(await ask("again")).toBe("heard again");
    echo.close();
    await shim.remove();
  });
});

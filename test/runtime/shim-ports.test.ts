// Host ports that a shim holds for its container.
import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { connectShim } from "../../src/runtime/index.ts";
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

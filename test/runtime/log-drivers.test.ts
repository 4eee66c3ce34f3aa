// What the shim's log drivers do with servers and disks that aren't there, are slow, full, or come back.
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "../../src/containers/logs/files.ts";
import { localFormat } from "../../src/containers/logs/local.ts";
import type { SyslogSettings } from "../../src/runtime/types.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { bundle, privateMemory } from "./fixture.ts";

/** A TCP server of the test's own; what it got so far is `text`. It reads nothing while `reading` is false. */
function server(port = 0) {
  const state = { text: "", connections: 0 };
  const sockets = new Set<Bun.Socket>();
  let reading = true;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        state.connections++;
        sockets.add(socket);
        if (!reading) socket.pause();
      },
      data(_socket, data) {
        state.text += data.toString("latin1");
      },
      close: (socket) => void sockets.delete(socket),
    },
  });
  return {
    state,
    port: listener.port,
    read(on: boolean) {
      reading = on;
      for (const socket of sockets) on ? socket.resume() : socket.pause();
    },
    stop() {
      for (const socket of sockets) socket.terminate();
      listener.stop(true);
    },
  };
}

const syslog = (port: number, more: Partial<SyslogSettings> = {}): SyslogSettings => ({
  driver: "syslog",
  network: `tcp 127.0.0.1:${port}`,
  peer: { kind: "inet", address: "127.0.0.1", port, datagram: false },
  facility: 3,
  format: "",
  tag: "t",
  ...more,
});

/** The numbers that came, in order. */
const numbersIn = (text: string) => [...text.matchAll(/: (\d+)x*\n/g)].map(([, number]) => Number(number));
const LINES = 20_000;
const COUNT = (lines: number, width = 90) =>
  `i=1; while [ $i -le ${lines} ]; do echo "\${i}${"x".repeat(width)}"; i=$((i+1)); done`;
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test("a server that reads nothing holds the container up, not the shim; all lines come when it reads", async () => {
  const log = server();
  log.read(false);
  await using made = await bundle({
    args: ["/bin/sh", "-c", `${COUNT(LINES, 900)}; exit 7`],
    log: () => syslog(log.port),
  });
  await using shim = await made.start();
  await shim.start();
  const ended = shim.wait();
  // It answers, and keeps next to nothing, while the container waits.
  await waitFor(() => privateMemory(shim.pid) < 6 * 1024, "a small shim");
  expect((await shim.state()).phase).toBe("running");
  log.read(true);
  expect((await ended).code).toBe(7);
  await waitFor(() => numbersIn(log.state.text).length === LINES, "all lines");
  expect(numbersIn(log.state.text)).toEqual(upTo(LINES));
  await shim.remove();
  log.stop();
}, 60_000);

test("non-blocking: the container goes on, what doesn't fit is dropped, the cache has all", async () => {
  const log = server();
  log.read(false);
  await using made = await bundle({
    args: ["/bin/sh", "-c", COUNT(LINES, 900)],
    log: (path) =>
      syslog(log.port, { buffer: 100_000, cache: { path, maxSize: 20 << 20, maxFiles: 5, compress: true } }),
  });
  await using shim = await made.start();
  await shim.start();
  await waitFor(() => readFileSync(`${made.dir}/shim.log`, "utf8").includes("lines are dropped"), "the drop");
  await waitFor(() => statSync(made.logPath).size > LINES * 900, "the cache");
  log.read(true);
  expect((await shim.wait()).code).toBe(0);
  const seen: number[] = [];
  const sink = {
    entry({ bytes, start, end }: { bytes: Buffer; start: number; end: number }) {
      seen.push(Number.parseInt(bytes.toString("latin1", start, end), 10));
      return true;
    },
    taken: () => [],
  };
  const signal = new AbortController().signal;
  for await (const _ of readLog(made.logPath, localFormat, { tail: -1, signal }, sink));
  expect(seen).toEqual(upTo(LINES));
  await Bun.sleep(100);
  const sent = numbersIn(log.state.text);
  expect(sent.length).toBeGreaterThan(500);
  expect(sent.length).toBeLessThan(LINES);
  // What came is whole, in order, and nothing of it twice.
  expect(sent).toEqual([...new Set(sent)].sort((a, b) => a - b));
  await shim.remove();
  log.stop();
}, 60_000);

test("a server that goes away: lines are lost, the container goes on; one that comes back gets lines again", async () => {
  const first = server();
  const { port } = first;
  await using made = await bundle({
    args: ["/bin/sh", "-c", "while read line; do echo $line; done"],
    stdin: true,
    stdinOnce: true,
    log: () => syslog(port, { format: "rfc3164" }),
  });
  await using shim = await made.start();
  const stream = await shim.attach({ stdin: true, stdout: false, stderr: false });
  await shim.start();
  const say = (text: string) => stream.write(Buffer.from(`${text}\n`));
  await say("one");
  await waitFor(() => /<30>\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ t\[\d+\]: one\n$/.test(first.state.text), "one");
  first.stop();
  await Bun.sleep(50);
  await say("lost");
  await waitFor(
    () =>
      /cannot reach the log server: connection refused/.test(readFileSync(`${made.dir}/shim.log`, "utf8")),
    "the complaint",
  );
  const second = server(port);
  await say("two");
  await say("three");
  await waitFor(() => /: two\n<[^\n]*: three\n$/.test(second.state.text), "two and three");
  stream.closeStdin();
  expect((await shim.wait()).code).toBe(0);
  await shim.remove();
  second.stop();
});

test("a driver that can't begin keeps the shim from starting, in Docker's words", async () => {
  const refused = async (log: SyslogSettings | { driver: "journald"; fields: Record<string, string> }) => {
    await using made = await bundle({ args: ["/bin/true"], log: () => log });
    return await made.start().then(
      () => "it started",
      (error: Error) => error.message,
    );
  };
  const words = "failed to create task for container: failed to initialize logging driver: ";
  expect(await refused(syslog(1))).toBe(`${words}dial tcp 127.0.0.1:1: connect: connection refused`);
  const gone = { kind: "unix", path: "/nowhere/log", datagram: true } as const;
  expect(await refused(syslog(1, { network: "unixgram /nowhere/log", peer: gone }))).toBe(
    `${words}dial unixgram /nowhere/log: connect: no such file or directory`,
  );
});

test("datagrams: one a line, over UDP", async () => {
  const got: string[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_socket, data) => void got.push(data.toString()) },
  });
  const { port } = socket;
  const peer = { kind: "inet", address: "127.0.0.1", port, datagram: true } as const;
  await using made = await bundle({
    args: ["/bin/sh", "-c", "echo out; echo; echo err >&2"],
    log: () => syslog(port, { peer, format: "rfc5424micro", facility: 19, tag: "a/b" }),
  });
  await using shim = await made.start();
  await shim.start();
  await shim.wait();
  await waitFor(() => got.length === 2, "two datagrams");
  const form = (priority: number, text: string) =>
    new RegExp(
      `^<${priority}>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}(Z|[+-]\\d\\d:\\d\\d) \\S+ a/b \\d+ a/b - ${text}\n$`,
    );
  expect(got.sort()[1]).toMatch(form(19 * 8 + 6, "out"));
  expect(got[0]).toMatch(form(19 * 8 + 3, "err"));
  await shim.remove();
  socket.close();
});

test("a disk that is full: the container goes on, the log has whole lines alone, and more when there is room", async () => {
  const disk = mkdtempSync("/var/tmp/berth-test-disk-");
  await Bun.$`mount -t tmpfs -o size=1m tmpfs ${disk}`;
  try {
    mkdirSync(join(disk, "logs"));
    const path = join(disk, "logs", "x.log");
    writeFileSync(join(disk, "ballast"), Buffer.alloc(600_000));
    await using made = await bundle({
      args: ["/bin/sh", "-c", `${COUNT(6_000)}; read go; echo 77777; echo 88888`],
      stdin: true,
      log: () => ({ driver: "json-file", path, maxFiles: 1, compress: false }),
    });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    let seen = 0;
    let freed = false;
    for await (const { data } of stream.output) {
      seen += Buffer.from(data).toString("latin1").split("\n").length - 1;
      if (seen >= 6_000 && !freed) {
        freed = true;
        const said = readFileSync(`${made.dir}/shim.log`, "utf8");
        expect(said).toContain(`cannot write ${path}: no space left on device`);
        rmSync(join(disk, "ballast"));
        await stream.write(Buffer.from("\n"));
      }
    }
    expect(seen).toBe(6_002);
    expect((await shim.wait()).code).toBe(0);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const numbers = lines.map((line) => Number.parseInt((JSON.parse(line) as { log: string }).log, 10));
    expect(numbers.slice(-2)).toEqual([77777, 88888]);
    const kept = numbers.slice(0, -2);
    expect(kept.length).toBeLessThan(6_000);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    expect(readFileSync(`${made.dir}/shim.log`, "utf8")).toMatch(/is written again; \d+ bytes were lost/);
    await shim.remove();
  } finally {
    // The shim that was told to go may not be gone yet.
    await Bun.$`umount --lazy ${disk}`;
    rmSync(disk, { recursive: true });
  }
});

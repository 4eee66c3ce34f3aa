// Logs through the daemon: read back and followed while they rotate and the daemon is killed, containers that are removed
// under a follower, the daemon's defaults.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({
    config: { "log-driver": "local", "log-opts": { "max-size": "60k", "max-file": "100" } },
  });
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

async function start(command: string, hostConfig: Record<string, unknown> = {}): Promise<string> {
  const body = { Image: BUSYBOX, Cmd: ["sh", "-c", command], HostConfig: hostConfig };
  const { Id } = (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>();
  expect((await daemon.request("POST", `/containers/${Id}/start`)).status).toBe(204);
  return Id;
}

/** The numbers of the lines, whatever frames they come in. A daemon that is killed ends it. */
async function numbers(id: string, query: string): Promise<number[]> {
  const found: number[] = [];
  let rest = Buffer.alloc(0);
  const address = `http://daemon/containers/${id}/logs?stdout=1&${query}`;
  const response = await fetch(address, { unix: daemon.socket });
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      let bytes = Buffer.concat([rest, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32BE(4)) {
        const end = 8 + bytes.readUInt32BE(4);
        found.push(Number.parseInt(bytes.toString("latin1", 8, end), 10));
        bytes = bytes.subarray(end);
      }
      rest = bytes;
    }
  } catch {
    // Killed.
  }
  return found;
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test.each(["local", "json-file"])(
  "%s: read back, followed and followed again over a killed daemon, rotation loses no line and repeats none",
  async (driver) => {
    const LINES = 12_000;
    const write = `i=1; while [ $i -le ${LINES} ]; do echo "\${i} ${"x".repeat(60)}"; i=$((i+1)); [ $((i%500)) = 0 ] && sleep 0.05; done`;
    const id = await start(write, {
      LogConfig: { Type: driver, Config: { "max-size": "60k", "max-file": "100", compress: "true" } },
    });
    const cut = numbers(id, "follow=1");
    for (let look = 0; look < 5; look++) {
      const seen = await numbers(id, "");
      expect(seen).toEqual(upTo(seen.length));
      await Bun.sleep(30);
    }
    await daemon.kill9();
    const before = await cut;
    expect(before).toEqual(upTo(before.length));
    await daemon.restart();
    const [all, tail] = await Promise.all([numbers(id, "follow=1"), numbers(id, "follow=1&tail=10")]);
    expect(all).toEqual(upTo(LINES));
    expect(tail).toEqual(all.slice(-tail.length));
    expect(await numbers(id, "")).toEqual(upTo(LINES));
    expect(await numbers(id, "tail=7000")).toEqual(upTo(LINES).slice(-7000));
    const files = readdirSync(join(daemon.dataRoot, "containers", id), { recursive: true }).map(String);
    expect(files.filter((name) => name.endsWith(".gz")).length).toBeGreaterThan(3);
  },
  60_000,
);

test("the daemon's driver and options are a container's own where it names none or the same", async () => {
  const config = async (asked: unknown) => {
    const body = { Image: BUSYBOX, Cmd: ["true"], HostConfig: { LogConfig: asked } };
    const { Id } = (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>();
    const shown = await daemon.request("GET", `/containers/${Id}/json`);
    return shown.json<{ HostConfig: { LogConfig: unknown } }>().HostConfig.LogConfig;
  };
  expect(await config(undefined)).toEqual({
    Type: "local",
    Config: { "max-size": "60k", "max-file": "100" },
  });
  expect(await config({ Type: "local", Config: { "max-size": "1m" } })).toEqual({
    Type: "local",
    Config: { "max-size": "1m", "max-file": "100" },
  });
  expect(await config({ Type: "json-file", Config: {} })).toEqual({ Type: "json-file", Config: {} });
});

test("a container that is removed under a follower: it gets what was written, and ends", async () => {
  const id = await start("echo 1; echo 2; sleep 600");
  const following = numbers(id, "follow=1");
  await Bun.sleep(200);
  expect((await daemon.request("DELETE", `/containers/${id}?force=1`)).status).toBe(204);
  expect(await following).toEqual([1, 2]);
});

test("a daemon whose own log options make no sense doesn't start", async () => {
  const refused = startDaemon({ config: { "log-driver": "json-file", "log-opts": { foo: "bar" } } });
  await expect(refused).rejects.toThrow(
    "failed to set log opts: unknown log opt 'foo' for json-file log driver",
  );
});

test("attach with logs: what was written comes first, and a driver that can't be read is refused", async () => {
  const attach = (id: string) => daemon.request("POST", `/containers/${id}/attach?logs=1&stdout=1&stderr=1`);
  const id = await start("echo 1; echo 2 >&2; sleep 600");
  await waitFor(async () => (await numbers(id, "")).length > 0, "the first line");
  const { text } = await attach(id);
  expect(text.replace(/[^12]/g, "").length).toBeGreaterThanOrEqual(2);
  const none = await start("sleep 600", { LogConfig: { Type: "none" } });
  expect(await attach(none)).toMatchObject({ status: 500 });
  expect((await daemon.request("GET", `/containers/${none}/logs?stdout=1`)).json()).toEqual({
    message: "configured logging driver does not support reading",
  });
});

test("parameters that make no sense are refused in Docker's words", async () => {
  const id = await start("echo 1");
  const ask = async (query: string) => {
    const answer = await daemon.request("GET", `/containers/${id}/logs?${query}`);
    return { status: answer.status, ...answer.json<{ message: string }>() };
  };
  for (const [query, message] of [
    ["tail=1", "Bad parameters: you must choose at least one stream"],
    ["stdout=1&since=foo", 'strconv.ParseInt: parsing "foo": invalid syntax'],
    ["stdout=1&until=2026-01-01", 'strconv.ParseInt: parsing "2026-01-01": invalid syntax'],
    ["stdout=1&since=1.x", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ] as const)
    expect(await ask(query)).toEqual({ status: 400, message });
  await daemon.request("POST", `/containers/${id}/wait`); // else it may not have come to its line yet
  for (const tail of ["foo", "-5", "all"]) expect(await numbers(id, `tail=${tail}`)).toEqual([1]);
});

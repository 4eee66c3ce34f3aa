// Connections that leave HTTP: the heads, the frames, both half-closes, and readers that don't read.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { openRaw, requestBytes, splitHead, textOf, UPGRADE } from "./raw.ts";

let daemon: Daemon;
let image: string;
beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  image = await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
const RAW = "application/vnd.docker.raw-stream";

/** A container that is gone after the test. */
async function container(body: Record<string, unknown>, start = true) {
  const made = await daemon.request("POST", "/containers/create", {
    body: {
      Image: image,
      ...body,
      HostConfig: { NetworkMode: "none", ...(body.HostConfig as object | undefined) },
    },
  });
  expect([made.status, made.text]).toEqual([201, made.text]);
  const { Id: id } = made.json<{ Id: string }>();
  const begin = async () => {
    const started = await daemon.request("POST", `/containers/${id}/start`);
    expect([started.status, started.text]).toEqual([204, ""]);
  };
  if (start) await begin();
  return {
    id,
    begin,
    async [Symbol.asyncDispose]() {
      await daemon.request("DELETE", `/containers/${id}?force=1`);
    },
  };
}

async function exec(id: string, body: Record<string, unknown>): Promise<string> {
  const made = await daemon.request("POST", `/containers/${id}/exec`, {
    body: { AttachStdout: true, AttachStderr: true, ...body },
  });
  expect([made.status, made.text]).toEqual([201, made.text]);
  return made.json<{ Id: string }>().Id;
}

const IDLE = { Cmd: ["sleep", "1000"], StopSignal: "KILL" };

describe("exec", () => {
  test.each([
    ["", true, false, "HTTP/1.1 101 UPGRADED", MULTIPLEXED],
    ["/v1.42", true, false, "HTTP/1.1 101 UPGRADED", MULTIPLEXED],
    ["/v1.41", true, false, "HTTP/1.1 101 UPGRADED", RAW],
    ["", true, true, "HTTP/1.1 101 UPGRADED", RAW],
    ["", false, false, "HTTP/1.1 200 OK", RAW],
  ])("version %p, upgrade %p, terminal %p", async (version, upgrade, tty, status, type) => {
    await using idle = await container(IDLE);
    const id = await exec(idle.id, { Cmd: ["sh", "-c", "echo out; echo err >&2"], Tty: tty });
    using raw = openRaw(daemon.socket);
    raw.send(
      requestBytes("POST", `${version}/exec/${id}/start`, {
        body: { Detach: false, Tty: tty },
        headers: upgrade ? UPGRADE : {},
      }),
    );
    const head = splitHead(await raw.ended());
    expect(head.status).toBe(status);
    expect(head.headers.get("Content-Type")).toBe(type);
    expect(head.headers.get("Upgrade")).toBe(upgrade ? "tcp" : undefined);
    expect(head.headers.get("Api-Version")).toBe("1.51");
    if (tty) expect(head.rest.toString()).toBe("out\r\nerr\r\n");
    else expect([textOf(head.rest, 1), textOf(head.rest, 2)]).toEqual(["out\n", "err\n"]);
  });

  test("our half-close ends the input, the output goes on after it", async () => {
    await using idle = await container(IDLE);
    const id = await exec(idle.id, { Cmd: ["sh", "-c", "cat; sleep 0.2; echo done"], AttachStdin: true });
    using raw = openRaw(daemon.socket);
    raw.send(requestBytes("POST", `/exec/${id}/start`, { body: {}, headers: UPGRADE }));
    await raw.until((data) => data.includes("\r\n\r\n"));
    raw.send("one\n");
    await raw.until((data) => data.includes("one\n"));
    raw.send("two\n");
    raw.halfClose();
    expect(textOf(splitHead(await raw.ended()).rest, 1)).toBe("one\ntwo\ndone\n");
    const inspect = (await daemon.request("GET", `/exec/${id}/json`)).json<{
      ExitCode: number;
      Running: boolean;
    }>();
    expect(inspect).toMatchObject({ ExitCode: 0, Running: false });
  });

  test("input that comes in the same piece as the request is input", async () => {
    await using idle = await container(IDLE);
    const id = await exec(idle.id, { Cmd: ["cat"], AttachStdin: true });
    using raw = openRaw(daemon.socket);
    raw.send(`${requestBytes("POST", `/exec/${id}/start`, { body: {}, headers: UPGRADE })}early\n`);
    raw.halfClose();
    expect(textOf(splitHead(await raw.ended()).rest, 1)).toBe("early\n");
  });

  test("piped bytes that are the detach keys are data; typed into a terminal they detach", async () => {
    await using idle = await container(IDLE);
    const start = async (Tty: boolean) => {
      const id = await exec(idle.id, {
        Cmd: ["sh", "-c", "stty raw -echo 2>/dev/null; echo ready; cat"],
        AttachStdin: true,
        Tty,
      });
      const raw = openRaw(daemon.socket);
      raw.send(requestBytes("POST", `/exec/${id}/start`, { body: { Tty }, headers: UPGRADE }));
      await raw.until((data) => data.includes("ready"));
      raw.send("a\x10\x11b");
      return { id, raw };
    };
    const piped = await start(false);
    piped.raw.halfClose();
    expect(textOf(splitHead(await piped.raw.ended()).rest, 1)).toBe("ready\na\x10\x11b");
    const typed = await start(true);
    await typed.raw.ended();
    const { Running } = (await daemon.request("GET", `/exec/${typed.id}/json`)).json<{ Running: boolean }>();
    expect(Running).toBe(true);
    piped.raw[Symbol.dispose]();
    typed.raw[Symbol.dispose]();
  });

  test("a program that isn't there is told in the stream, and by its exit code", async () => {
    await using idle = await container(IDLE);
    const id = await exec(idle.id, { Cmd: ["no-such-program"] });
    using raw = openRaw(daemon.socket);
    raw.send(requestBytes("POST", `/exec/${id}/start`, { body: {}, headers: UPGRADE }));
    const { status, rest } = splitHead(await raw.ended());
    expect(status).toBe("HTTP/1.1 101 UPGRADED");
    expect(textOf(rest, 1)).toBe(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "no-such-program": executable file not found in $PATH\r\n',
    );
    expect((await daemon.request("GET", `/exec/${id}/json`)).json<{ ExitCode: number }>().ExitCode).toBe(127);
  });

  test("detached it answers at once; the size of a terminal can be changed", async () => {
    await using idle = await container(IDLE);
    const detached = await exec(idle.id, { Cmd: ["sleep", "0.2"] });
    const answer = await daemon.request("POST", `/exec/${detached}/start`, { body: { Detach: true } });
    expect([answer.status, answer.text]).toEqual([200, ""]);

    const id = await exec(idle.id, { Cmd: ["sh", "-c", "read x; stty size"], Tty: true, AttachStdin: true });
    using raw = openRaw(daemon.socket);
    raw.send(
      requestBytes("POST", `/exec/${id}/start`, {
        body: { Tty: true, ConsoleSize: [11, 22] },
        headers: UPGRADE,
      }),
    );
    await raw.until((data) => data.includes("\r\n\r\n"));
    const resized = await daemon.request("POST", `/exec/${id}/resize?h=33&w=44`);
    expect([resized.status, resized.text]).toEqual([200, ""]);
    raw.send("\n");
    expect(splitHead(await raw.ended()).rest.toString()).toContain("33 44");
  });
});

describe("attach", () => {
  test("before the start, as `run` does: nothing of input or output is lost", async () => {
    await using cat = await container(
      { Cmd: ["cat"], OpenStdin: true, StdinOnce: true, AttachStdin: true },
      false,
    );
    using raw = openRaw(daemon.socket);
    raw.send(
      requestBytes("POST", `/containers/${cat.id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, {
        headers: UPGRADE,
      }),
    );
    const head = splitHead(await raw.until((data) => data.includes("\r\n\r\n")));
    expect(head.status).toBe("HTTP/1.1 101 UPGRADED");
    expect(head.headers.get("Content-Type")).toBe(MULTIPLEXED);
    raw.send("before\n");
    await cat.begin();
    await raw.until((data) => data.includes("before\n"));
    raw.send("after\n");
    raw.halfClose();
    expect(textOf(splitHead(await raw.ended()).rest, 1)).toBe("before\nafter\n");
    const waited = await daemon.request("POST", `/containers/${cat.id}/wait`);
    expect(waited.json<{ StatusCode: number }>()).toEqual({ StatusCode: 0 });
  });

  test("the log first, then what comes; many at a time; one that leaves disturbs nobody", async () => {
    await using talker = await container({
      Cmd: ["sh", "-c", "echo first; while sleep 0.1; do echo more; done"],
      StopSignal: "KILL",
    });
    await waitFor(
      async () =>
        (await daemon.request("GET", `/containers/${talker.id}/logs?stdout=1`)).text.includes("first"),
      "the first line",
    );
    const open = () => {
      const raw = openRaw(daemon.socket);
      raw.send(
        requestBytes("POST", `/containers/${talker.id}/attach?stream=1&stdout=1&logs=1`, {
          headers: UPGRADE,
        }),
      );
      return raw;
    };
    using one = open();
    const two = open();
    await two.until((data) => data.includes("first\n") && data.includes("more\n"));
    two[Symbol.dispose]();
    const before = one.received().length;
    await one.until((data) => data.includes("first\n") && data.length > before + 30);
  });

  test("a client that doesn't read stops neither the program nor costs memory", async () => {
    await using talker = await container(
      { Cmd: ["sh", "-c", "head -c 300000000 /dev/zero; sleep 1000"], StopSignal: "KILL" },
      false,
    );
    using raw = openRaw(daemon.socket);
    raw.socket.pause();
    raw.send(requestBytes("POST", `/containers/${talker.id}/attach?stream=1&stdout=1`, { headers: UPGRADE }));
    await Bun.sleep(200);
    const resident = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1] ?? 0);
    const before = resident();
    await talker.begin();
    await Bun.sleep(2000);
    // Kilobytes: some megabytes in flight are all that may be held for it.
    expect(resident() - before).toBeLessThan(64 * 1024);
  });

  test("what is not there is told in a raw answer", async () => {
    using raw = openRaw(daemon.socket);
    raw.send(requestBytes("POST", "/containers/nobody/attach?stream=1", { headers: UPGRADE }));
    const { status, headers, rest } = splitHead(await raw.ended());
    expect(status).toBe("HTTP/1.1 404 Not Found");
    expect(headers.get("Content-Type")).toBe(RAW);
    expect(rest.toString()).toBe("No such container: nobody\r\n");
  });
});

describe("logs and wait", () => {
  test.each([
    ["/v1.41", RAW],
    ["/v1.42", MULTIPLEXED],
  ])("logs at %s are %s", async (version, type) => {
    await using done = await container({ Cmd: ["sh", "-c", "echo out; echo err >&2"] });
    await daemon.request("POST", `/containers/${done.id}/wait`);
    const answer = await fetch(`http://d${version}/containers/${done.id}/logs?stdout=1&stderr=1`, {
      unix: daemon.socket,
    });
    expect(answer.headers.get("content-type")).toBe(type);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([textOf(bytes, 1), textOf(bytes, 2)]).toEqual(["out\n", "err\n"]);
  });

  test("wait sends its head at once since 1.30, before only with the end", async () => {
    await using idle = await container(IDLE);
    using newer = openRaw(daemon.socket);
    using older = openRaw(daemon.socket);
    newer.send(requestBytes("POST", `/v1.30/containers/${idle.id}/wait`));
    older.send(requestBytes("POST", `/v1.29/containers/${idle.id}/wait`));
    await newer.until((data) => data.includes("\r\n\r\n"));
    await Bun.sleep(100);
    expect(older.received().length).toBe(0);
    await daemon.request("POST", `/containers/${idle.id}/kill`);
    await newer.until((data) => data.includes('{"StatusCode":137}'));
    await older.until((data) => data.includes('{"StatusCode":137}'));
  });

  test("a client that leaves a wait leaves nothing waiting", async () => {
    await using idle = await container(IDLE);
    const raw = openRaw(daemon.socket);
    raw.send(requestBytes("POST", `/containers/${idle.id}/wait?condition=next-exit`));
    await raw.until((data) => data.includes("\r\n\r\n"));
    raw[Symbol.dispose]();
    expect((await daemon.request("POST", `/containers/${idle.id}/kill`)).status).toBe(204);
    expect((await daemon.request("GET", "/_ping")).status).toBe(200);
  });
});

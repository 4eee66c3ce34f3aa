// How containers end, whoever watches: under a real runtime, with a root of busybox.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import {
  cgroupFolders,
  cgroupFrozen,
  cgroupProcesses,
  connectShim,
  killLeftBehind,
  readLeftExit,
  ShimDiedError,
  selectRuntime,
} from "../../src/runtime/index.ts";
import { childrenOf } from "../../src/runtime/process-tree.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { faultyRuntimes, setFaults } from "../fixtures/faulty-runtime.ts";
import { bundle, collect, execSpec, gone } from "./fixture.ts";

const SIGKILL = 9;
const SIGTERM = 15;

describe("the end of a container", () => {
  test.each([0, 3, 255])("its program's own status %d", async (code) => {
    await using made = await bundle({ args: ["/bin/sh", "-c", `exit ${code}`] });
    await using shim = await made.start();
    const { startedAt } = await shim.start();
    const exit = await shim.wait();
    expect(exit).toMatchObject({ code, oomKilled: false });
    expect(exit.signal).toBeUndefined();
    expect(exit.finishedAt > startedAt).toBe(true);
    expect(await shim.state()).toMatchObject({ phase: "exited", exit: { code } });
    await shim.remove();
  });

  test.each([
    [SIGKILL, 137],
    [SIGTERM, 143],
  ])("signal %d is status %d", async (signal, code) => {
    // The program is not process 1 of its namespace's like: it has a handler of the default kind only with `exec`.
    await using made = await bundle({
      args: ["/bin/sh", "-c", `trap 'exit 143' TERM; echo set; while :; do sleep 0.1; done`],
    });
    await using shim = await made.start();
    await shim.start();
    while (!existsSync(made.logPath) || !readFileSync(made.logPath, "utf8").includes("set"))
      await Bun.sleep(5);
    await shim.kill(signal);
    expect((await shim.wait()).code).toBe(code);
    await expect(shim.kill(signal)).rejects.toThrow("not running");
    await shim.remove();
  });

  test("for want of memory", async () => {
    const eat = "dd if=/dev/zero of=/dev/null bs=64M count=1";
    await using made = await bundle({ args: ["/bin/sh", "-c", `exec ${eat}`], memory: 16 << 20 });
    await using shim = await made.start();
    await shim.start();
    expect(await shim.wait()).toMatchObject({ code: 137, signal: SIGKILL, oomKilled: true });
    expect(readLeftExit(made.dir)).toMatchObject({ oomKilled: true });
    await shim.remove();
  });

  test("nothing is left after remove but the folder", async () => {
    await using made = await bundle({ args: ["/bin/true"] });
    await using shim = await made.start();
    const { pid } = shim;
    await shim.start();
    await shim.wait();
    expect(await Promise.all([shim.remove(), shim.closed])).toEqual([undefined, { expected: true }]);
    await gone(pid);
    expect(cgroupProcesses(made.config.cgroupPath)).toEqual([]);
    expect(existsSync(`/sys/fs/cgroup/memory${made.config.cgroupPath}`)).toBe(false);
    expect(existsSync(`${made.dir}/shim.sock`)).toBe(false);
  });

  test("takes along what it left running, with the host's process ids too", async () => {
    await using made = await bundle({
      args: ["/bin/sh", "-c", "sleep 1000 & echo $!; exit 6"],
      hostPids: true,
    });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: false, stdout: true, stderr: true });
    await shim.start();
    const left = Number((await collect(stream.output)).stdout);
    expect(left).toBeGreaterThan(1);
    expect((await shim.wait()).code).toBe(6);
    await gone(left);
    await shim.remove();
  });

  test.each(["crun", "runc"])("under %s, by its name", async (asked) => {
    await using made = await bundle({
      args: ["/bin/sh", "-c", "read x; exit $x"],
      stdin: true,
      terminal: true,
    });
    made.config.runtime = selectRuntime({ asked });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    await using exec = await shim.attach({ exec: "e", stdin: false, stdout: true, stderr: true });
    await shim.exec("e", execSpec(["echo", "inside"]), { stdin: false });
    expect((await collect(exec.output)).stdout).toBe("inside\n");
    await stream.write(Buffer.from("9\n"));
    expect((await shim.wait()).code).toBe(9);
    await shim.remove();
    expect(cgroupFolders(made.config.cgroupPath)).toEqual({});
  });

  test("a running container is not removed", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"] });
    await using shim = await made.start();
    await shim.start();
    await expect(shim.remove()).rejects.toThrow("the container is running");
    await shim.kill(SIGKILL);
    await shim.wait();
    await shim.remove();
  });

  test("a program that is not there", async () => {
    await using made = await bundle({ args: ["nosuchprogram"] });
    await using shim = await made.start();
    await expect(shim.start()).rejects.toMatchObject({
      message:
        'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "nosuchprogram": executable file not found in $PATH',
      exitCode: 127,
    });
    await shim.remove();
  });
});

describe("without a daemon", () => {
  test("a container runs on, and a later daemon finds it and its output", async () => {
    await using made = await bundle({ args: ["/bin/sh", "-c", "read line; echo got $line"], stdin: true });
    const first = await made.start();
    const { pid } = await first.start();
    await first[Symbol.asyncDispose]();
    await using second = await connectShim(made.dir);
    expect(second.id).toBe(made.id);
    expect(await second.state()).toMatchObject({ phase: "running", pid });
    await using stream = await second.attach({ stdin: true, stdout: true, stderr: true });
    await stream.write(Buffer.from("there\n"));
    expect(await collect(stream.output)).toEqual({ stdout: "got there\n", stderr: "" });
    expect((await second.wait()).code).toBe(0);
    await second.remove();
  });

  test("it ends, and its exact end is on record and told later", async () => {
    await using made = await bundle({
      args: ["/bin/sh", "-c", "read line; exit 7"],
      stdin: true,
      stdinOnce: true,
    });
    const first = await made.start();
    await first.start();
    const stream = await first.attach({ stdin: true, stdout: false, stderr: false });
    expect(readLeftExit(made.dir)).toBeUndefined();
    stream.closeStdin();
    await stream[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const before = new Date().toISOString();
    while (!readLeftExit(made.dir)) await Bun.sleep(5);
    await using second = await connectShim(made.dir);
    const exit = await second.wait();
    expect(exit).toEqual(readLeftExit(made.dir) as typeof exit);
    expect(exit.code).toBe(7);
    expect(exit.finishedAt.slice(0, 16) >= before.slice(0, 15)).toBe(true);
    await second.remove();
  });

  test("a shim that hears SIGTERM, SIGINT and SIGHUP stays", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"] });
    await using shim = await made.start();
    await shim.start();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(shim.pid, signal);
    await Bun.sleep(50);
    expect((await shim.state()).phase).toBe("running");
    // A session of its own: whoever ends the daemon's doesn't end this.
    expect(Number(readFileSync(`/proc/${shim.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3])).toBe(
      shim.pid,
    );
    await shim.kill(SIGKILL);
    await shim.wait();
    await shim.remove();
  });
});

describe("the shim's own death", () => {
  test("is noticed, and the container is killed with all that is in it", async () => {
    await using made = await bundle({ args: ["/bin/sh", "-c", "sleep 1000 & sleep 1001"] });
    const shim = await made.start();
    const { pid } = await shim.start();
    const waiting = shim.wait();
    process.kill(shim.pid, "SIGKILL");
    await expect(waiting).rejects.toBeInstanceOf(ShimDiedError);
    expect(await shim.closed).toEqual({ expected: false });
    await expect(shim.state()).rejects.toThrow(
      `the shim of container ${made.id} died, so the container was killed`,
    );
    await expect(connectShim(made.dir)).rejects.toThrow("no shim answers");
    expect(readLeftExit(made.dir)).toBeUndefined();
    expect(cgroupProcesses(made.config.cgroupPath).length).toBeGreaterThanOrEqual(2);
    await killLeftBehind(made.dir);
    expect(cgroupProcesses(made.config.cgroupPath)).toEqual([]);
    await gone(pid);
    await killLeftBehind(made.dir);
  });

  test("a paused container is killed too", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"] });
    const shim = await made.start();
    const { pid } = await shim.start();
    await shim.pause();
    process.kill(shim.pid, "SIGKILL");
    await shim.closed;
    await killLeftBehind(made.dir);
    await gone(pid);
  });
});

test("pause and resume", async () => {
  await using made = await bundle({ args: ["/bin/sleep", "1000"] });
  await using shim = await made.start();
  await shim.start();
  await shim.pause();
  expect((await shim.state()).phase).toBe("paused");
  expect(cgroupFrozen(made.config.cgroupPath)).toBe(true);
  await shim.resume();
  expect((await shim.state()).phase).toBe("running");
  expect(cgroupFrozen(made.config.cgroupPath)).toBe(false);
  await shim.kill(SIGKILL);
  await shim.wait();
  await shim.remove();
});

describe("versions", () => {
  test("a shim of a version that this daemon doesn't know is refused with both versions", async () => {
    await using made = await bundle({ args: ["/bin/true"] });
    await mkdir(made.dir, { recursive: true });
    const hello = Buffer.from(JSON.stringify({ protocol: 99, features: [], id: made.id, pid: 1 }));
    const frame = Buffer.concat([Buffer.from([hello.length, 0, 0, 0, 3]), hello]);
    const server = createServer((socket) => socket.write(frame));
    await new Promise<void>((listening) => server.listen(`${made.dir}/shim.sock`, listening));
    try {
      await expect(connectShim(made.dir)).rejects.toThrow(
        `the shim of container ${made.id} speaks version 99 of the protocol, this daemon 1 to 1`,
      );
    } finally {
      server.close();
    }
  });

  test("a shim names its features, and refuses what it doesn't know", async () => {
    await using made = await bundle({ args: ["/bin/true"] });
    await using shim = await made.start();
    expect(shim.protocol).toBe(1);
    expect(shim.features).toContain("attach");
    const unknown = (shim as unknown as { call(method: string): Promise<unknown> }).call("dance");
    await expect(unknown).rejects.toThrow('this shim has no method "dance"');
    await shim.remove();
  });

  test("what is no frame ends that connection and nothing else", async () => {
    await using made = await bundle({ args: ["/bin/true"] });
    await using shim = await made.start();
    await new Promise<void>((closed) => {
      void Bun.connect({
        unix: `${made.dir}/shim.sock`,
        socket: {
          open: (socket) => void socket.write(Buffer.alloc(100, 0xee)),
          data() {},
          close: () => closed(),
        },
      });
    });
    expect((await shim.state()).phase).toBe("created");
    await shim.remove();
  });
});

test("a shim that can't start says why", async () => {
  await using made = await bundle({ args: ["/bin/true"] });
  made.config.log = { driver: "json-file", path: "/nowhere/at/all.log", maxFiles: 1, compress: false };
  await expect(made.start()).rejects.toThrow("open /nowhere/at/all.log: no such file or directory");
});

describe("a runtime that hangs", () => {
  const folder = mkdtempSync("/var/tmp/berth-test-");
  const { hangs, late, stays } = faultyRuntimes(folder, {
    hangs: { run: "hang", delete: "hang" },
    late: { run: "late" },
    stays: { exec: "hang", pause: "hang", delete: "hang" },
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  /** So that nobody waits for it after the test. */
  const healed = (runtime = { path: "" }) => ({ [Symbol.dispose]: () => setFaults(runtime, {}) });

  test.each([
    ["before it did anything", hangs],
    ["after it did", late],
  ])("in a start, %s, is given up with all that it started", async (_, runtime) => {
    await using made = await bundle({ args: ["/bin/sleep", "60"] });
    using _healed = healed(runtime);
    made.config.runtime = { path: runtime?.path ?? "", name: "faulty", args: [] };
    made.config.callLimit = 700;
    await using shim = await made.start();
    await expect(shim.start()).rejects.toThrow("faulty did not answer for 0.7 seconds");
    await waitFor(() => childrenOf(shim.pid).length === 0, "the given up call to be gone");
    expect(cgroupProcesses(made.config.cgroupPath)).toEqual([]);
    await shim.remove();
    expect(cgroupFolders(made.config.cgroupPath)).toEqual({});
  });

  test("in an exec or a pause is given up; in a deletion, too, and the shim goes", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "60"] });
    using _healed = healed(stays);
    made.config.runtime = { path: stays?.path ?? "", name: "faulty", args: [] };
    made.config.callLimit = 700;
    await using shim = await made.start();
    const { pid } = await shim.start();
    await expect(shim.exec("e", execSpec(["/bin/true"]), { stdin: false })).rejects.toThrow(
      "faulty did not answer for 0.7 seconds",
    );
    await expect(shim.pause()).rejects.toThrow("faulty did not answer for 0.7 seconds");
    await waitFor(() => childrenOf(shim.pid).length < 2, "the given up calls to be gone");
    expect(childrenOf(shim.pid)).toEqual([pid]);
    await shim.kill(SIGKILL);
    expect(await shim.wait()).toMatchObject({ code: 137 });
    await shim.remove();
    await gone(shim.pid);
    expect(cgroupFolders(made.config.cgroupPath)).toEqual({});
  });
});

// A daemon that is killed: at every failpoint of create, start, exit and remove, while containers run, while they end.
// Then another one starts on the same roots, and database, kernel and disk are looked at.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../../src/api/types/index.ts";
import { FAILPOINTS } from "../../src/base/failpoint.ts";
import * as engine from "../../src/engine/index.ts";
import type { CreateRequest, Engine } from "../../src/engine/types.ts";
import { listMounts } from "../../src/linux/mount.ts";
import { cgroupFolders } from "../../src/runtime/index.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { nextExit, run, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeEach(async () => {
  scratch = await scratchEngine();
});
afterEach(() => scratch[Symbol.asyncDispose]());

/** The machine is shared, and a process of Bun's takes its time there. */
const PATIENCE = 30_000;

interface Order {
  action: "create" | "start" | "remove" | "commit" | "update" | "none";
  request?: CreateRequest;
  reference?: string;
  changes?: HostConfig;
  failpoint?: string;
}

/** Hands the roots to another process, which kills itself at the failpoint, or is killed when it is done. */
async function killedDaemon(order: Order, whenDone: () => Promise<unknown> = async () => {}): Promise<void> {
  const path = join(scratch.root, "order.json");
  writeFileSync(path, JSON.stringify({ ...order, config: scratch.config }));
  await engine.stopEngine(scratch.engine);
  const child = Bun.spawn(
    [
      process.execPath,
      ...(process.env.TEST_PRELOAD ? ["--preload", process.env.TEST_PRELOAD] : []),
      join(import.meta.dir, "engine-process.ts"),
      path,
    ],
    {
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...(order.failpoint && { BERTH_FAILPOINT: order.failpoint }) },
    },
  );
  const limit = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const errors = new Response(child.stderr).text();
  let said = "";
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    if (!order.failpoint && said.includes("done")) {
      await whenDone();
      child.kill("SIGKILL");
    }
  }
  await child.exited;
  clearTimeout(limit);
  if (order.failpoint) {
    expect(child.signalCode, `${order.failpoint} was not reached: ${said} ${await errors}`).toBe("SIGKILL");
    expect(said).toContain("ready");
  } else expect(said, await errors).toContain("done");
}

/** Starts the next daemon, and waits for what it does in the background. */
async function nextDaemon(): Promise<Engine> {
  scratch.engine = await engine.startEngine(scratch.config);
  await scratch.engine.background.idle();
  return scratch.engine;
}

/** What is here of these containers, besides rows: everything has to be of one that runs. */
function traces(rooms: Engine): string[] {
  const { dataRoot, execRoot } = scratch.config;
  const names = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  const running = new Set(
    rooms.containers
      .all()
      .filter(({ state }) => state.status === "running" || state.status === "paused")
      .map(({ id }) => id as string),
  );
  const known = new Set(rooms.containers.all().map(({ id }) => id as string));
  return [
    ...names(join(execRoot, "containers"))
      .filter((id) => !running.has(id))
      .map((id) => `bundle ${id}`),
    ...names(join(execRoot, "rootfs"))
      .filter((id) => !running.has(id))
      .map((id) => `rootfs ${id}`),
    ...names(join(dataRoot, "containers"))
      .filter((id) => !known.has(id))
      .map((id) => `folder ${id}`),
    ...listMounts()
      .filter(({ target }) => target.startsWith(scratch.root))
      .filter(({ target }) => ![...running].some((id) => target.includes(id)))
      .filter(({ target }) => !isPinned(rooms, target))
      .map(({ target }) => `mount ${target}`),
    ...processes(running),
    ...bridgePorts()
      .slice(running.size)
      .map((name) => `device ${name}`),
  ];
}

/** The folder of network namespaces, and those in it that a row names. */
function isPinned(rooms: Engine, target: string): boolean {
  const folder = join(scratch.config.execRoot, "netns");
  const keys = rooms.store.documents<{ id: string; key: string }>("sandboxes").all();
  return target === folder || keys.some(({ key }) => target.startsWith(join(folder, key.slice(0, 12))));
}

/** The host's ends of the veth pairs: one for each container that runs (all of this test's are on the bridge). */
function bridgePorts(): string[] {
  const folder = `/sys/class/net/${scratch.config.bridge}/brif`;
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Shims and their children of this test's roots whose container doesn't run. */
function processes(running: ReadonlySet<string>): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(`${scratch.config.execRoot}/containers/`))
    .filter((line) => ![...running].some((id) => line.includes(id)))
    .map((line) => `process ${line}`);
}

const activeSnapshots = (rooms: Engine) =>
  rooms.store.snapshots.list().filter(({ chain }) => chain === undefined);
const of = (prefix: string) => FAILPOINTS.filter((name) => name.startsWith(prefix));
const bridge = { hostConfig: { NetworkMode: "default" } };

/** Not ended; one that ended and that nobody asked for its status yet is a zombie. */
function alive(pid: number | undefined): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function noTraces(rooms: Engine): Promise<void> {
  // A killed process group and the kernel's own clean-up may take a moment.
  for (let tries = 0; traces(rooms).length > 0 && tries < 50; tries++) await Bun.sleep(50);
  expect(traces(rooms)).toEqual([]);
}

describe("killed during update", () => {
  test.each(of("update."))("%s", async (failpoint) => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "60"], { hostConfig: { PidsLimit: 40 } });
    const changes = { PidsLimit: 30, NanoCpus: 500_000_000, Memory: 100 << 20, MemorySwap: 200 << 20 };
    await killedDaemon({ action: "update", reference: id, failpoint, changes });
    const rooms = await nextDaemon();
    const { hostConfig, updating } = rooms.containers.find(id);
    expect(updating).toBeUndefined();
    const after = failpoint === "update.recorded";
    expect(hostConfig.PidsLimit).toBe(after ? 30 : 40);
    const folders = cgroupFolders(`/berth/${id}`);
    const text = (controller: string, file: string) =>
      readFileSync(`${folders.unified ?? folders[controller]}/${file}`, "utf8").trim();
    expect(text("pids", "pids.max")).toBe(after ? "30" : "40");
    const quota = folders.unified ? text("cpu", "cpu.max").split(" ")[0] : text("cpu", "cpu.cfs_quota_us");
    expect(quota).toBe(after ? "50000" : folders.unified ? "max" : "-1");
    const memory = folders.unified ? text("memory", "memory.max") : text("memory", "memory.limit_in_bytes");
    expect(memory === String(100 << 20)).toBe(after);
  });
});

describe("killed during create", () => {
  test.each(of("create."))("%s", async (failpoint) => {
    await killedDaemon({
      action: "create",
      failpoint,
      request: request(["true"], {
        name: "made",
        hostConfig: { Binds: ["kept:/kept", "/anonymous"].slice(0, 1) },
      }),
    });
    const rooms = await nextDaemon();
    const written = failpoint === "create.row-written";
    expect(rooms.containers.all().map(({ name }) => name)).toEqual(written ? ["made"] : []);
    expect(activeSnapshots(rooms)).toHaveLength(written ? 1 : 0);
    expect(rooms.store.documents("volumeUses").all()).toHaveLength(written ? 1 : 0);
    await noTraces(rooms);
    // The name is free, or the container is whole.
    if (written) expect((await started(rooms, "made")).StatusCode).toBe(0);
    else await engine.createContainer(rooms, request(["true"], { name: "made" }));
  });
});

async function started(rooms: Engine, reference: string) {
  const ended = nextExit(rooms, reference);
  await engine.startContainer(rooms, reference);
  return ended;
}

describe("killed during start", () => {
  test.each(of("start."))("%s", async (failpoint) => {
    const { Id } = await engine.createContainer(scratch.engine, request(["sleep", "1000"], bridge));
    await killedDaemon({ action: "start", failpoint, reference: Id });
    const rooms = await nextDaemon();
    const runs = failpoint === "start.runtime-created" || failpoint === "start.running-recorded";
    const { State } = await engine.inspectContainer(rooms, Id, { size: false });
    expect(State?.Status).toBe(runs ? "running" : "created");
    if (runs) expect(alive(State?.Pid)).toBe(true);
    await noTraces(rooms);
    expect(rooms.networks.status(Id) !== undefined).toBe(runs);
    expect(await engine.startContainer(rooms, Id)).toBe(runs ? "unchanged" : "started");
    const ended = nextExit(rooms, Id);
    await engine.killContainer(rooms, Id, "");
    expect((await ended).StatusCode).toBe(137);
    await engine.removeContainer(rooms, Id, { force: true, volumes: true });
    await rooms.background.idle();
    await noTraces(rooms);
  });
});

describe("killed when a container ends", () => {
  test.each(of("exit."))("%s", async (failpoint) => {
    const { Id } = await engine.createContainer(scratch.engine, request(["sh", "-c", "exit 42"], bridge));
    await killedDaemon({ action: "start", failpoint, reference: Id });
    const rooms = await nextDaemon();
    const { State } = await engine.inspectContainer(rooms, Id, { size: false });
    expect(State).toMatchObject({ Status: "exited", ExitCode: 42, OOMKilled: false });
    expect(rooms.networks.status(Id)).toBeUndefined();
    await noTraces(rooms);
    expect((await started(rooms, Id)).StatusCode).toBe(42);
  });

  test("exit.recorded with --rm: the next daemon removes it", async () => {
    const { Id } = await engine.createContainer(
      scratch.engine,
      request(["true"], { hostConfig: { AutoRemove: true } }),
    );
    await killedDaemon({ action: "start", failpoint: "exit.recorded", reference: Id });
    const rooms = await nextDaemon();
    expect(rooms.containers.all()).toEqual([]);
    expect(activeSnapshots(rooms)).toEqual([]);
    await noTraces(rooms);
  });
});

describe("killed during removal", () => {
  test.each(of("remove."))("%s", async (failpoint) => {
    const { id } = await run(scratch.engine, ["true"], {
      config: { Volumes: { "/data": {} } },
      ...bridge,
    });
    await killedDaemon({ action: "remove", failpoint, reference: id });
    const rooms = await nextDaemon();
    expect(rooms.containers.all()).toEqual([]);
    expect(activeSnapshots(rooms)).toEqual([]);
    expect((await rooms.volumes.list()).volumes).toEqual([]);
    expect(rooms.store.documents("volumeUses").all()).toEqual([]);
    await noTraces(rooms);
  });
});

describe("killed during a commit", () => {
  test.each(of("commit."))("%s", async (failpoint) => {
    const { id } = await startedContainer(scratch.engine, ["sh", "-c", "echo x > /new; sleep 1000"], bridge);
    const blobs = scratch.engine.store.content.list().length;
    await killedDaemon({ action: "commit", failpoint, reference: id });
    const rooms = await nextDaemon();
    await rooms.store.collectGarbage();
    const { State } = await engine.inspectContainer(rooms, id, { size: false });
    expect(State).toMatchObject({ Status: "running", Paused: false });
    expect(rooms.containers.find(id).state).not.toHaveProperty("heldForCommit");
    const recorded = failpoint === "commit.image-recorded" || failpoint === "commit.resumed";
    const names = rooms.store.images.all().map(({ name }) => name);
    expect(names.includes("docker.io/library/committed:1")).toBe(recorded);
    expect(rooms.store.content.list().length).toBe(blobs + (recorded ? 3 : 0));
    await noTraces(rooms);
    const image = await engine.commitContainer(rooms, id, {
      reference: "again:1",
      changes: [],
      author: "",
      comment: "",
      pause: true,
    });
    expect(image).toStartWith("sha256:");
    await engine.removeContainer(rooms, id, { force: true, volumes: true });
  });
});

describe("while no daemon runs", () => {
  test("a container goes on, and the next daemon has it with its output", async () => {
    const { id } = await startedContainer(
      scratch.engine,
      ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"],
      bridge,
    );
    const before = (await engine.inspectContainer(scratch.engine, id, { size: false })).State;
    await killedDaemon({ action: "none" }, () => Bun.sleep(200));
    const rooms = await nextDaemon();
    const after = (await engine.inspectContainer(rooms, id, { size: false })).State;
    expect(after).toEqual(before as NonNullable<typeof before>);
    expect(alive(after?.Pid)).toBe(true);
    const log = readFileSync(rooms.containers.find(id).logPath, "utf8").trim().split("\n");
    const numbers = log.map((line) => Number(JSON.parse(line).log));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    await engine.removeContainer(rooms, id, { force: true, volumes: true });
  });

  test("one that ends keeps its exit code and the time of its end", async () => {
    const { Id } = await engine.createContainer(
      scratch.engine,
      request(["sh", "-c", "sleep 1; exit 9"], bridge),
    );
    await engine.startContainer(scratch.engine, Id);
    await engine.stopEngine(scratch.engine);
    await Bun.sleep(1500);
    const ended = Date.now();
    await Bun.sleep(700);
    const rooms = await nextDaemon();
    const { State } = await engine.inspectContainer(rooms, Id, { size: false });
    expect(State).toMatchObject({ Status: "exited", ExitCode: 9, OOMKilled: false, Error: "" });
    expect(Date.parse(State?.FinishedAt ?? "")).toBeLessThan(ended);
    await noTraces(rooms);
  });

  test("one with --rm that ends is removed by the next daemon; one with a policy is started", async () => {
    const removed = await startedContainer(scratch.engine, ["sleep", "0.3"], {
      hostConfig: { AutoRemove: true },
    });
    const again = await startedContainer(scratch.engine, ["sh", "-c", "sleep 0.3; exit 1"], {
      hostConfig: { RestartPolicy: { Name: "always" } },
    });
    await engine.stopEngine(scratch.engine);
    await Bun.sleep(800);
    const rooms = await nextDaemon();
    expect(rooms.containers.get(removed.id)).toBeUndefined();
    await Bun.sleep(300);
    expect((await engine.inspectContainer(rooms, again.id, { size: false })).RestartCount).toBeGreaterThan(0);
    await engine.removeContainer(rooms, again.id, { force: true, volumes: true });
  });

  test("execs go on; the next daemon knows those that run and how the others ended", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], bridge);
    const exec = async (cmd: string[]) => {
      const { Id } = await engine.createExec(scratch.engine, id, { Cmd: cmd });
      await engine.startExec(scratch.engine, Id, { detach: true, tty: false });
      return Id;
    };
    const [stays, ends] = [await exec(["sleep", "1000"]), await exec(["sh", "-c", "sleep 0.4; exit 8"])];
    await engine.stopEngine(scratch.engine);
    await Bun.sleep(800);
    const rooms = await nextDaemon();
    expect(await engine.inspectExec(rooms, ends)).toMatchObject({ Running: false, ExitCode: 8 });
    const found = await engine.inspectExec(rooms, stays);
    expect(found).toMatchObject({ Running: true, ExitCode: null, ProcessConfig: { entrypoint: "sleep" } });
    expect(alive(found.Pid)).toBe(true);
    await engine.removeContainer(rooms, id, { force: true, volumes: true });
    expect(rooms.store.documents("execs").all()).toEqual([]);
  });

  test("a paused one is still paused", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], bridge);
    await engine.pauseContainer(scratch.engine, id);
    await scratch.restart();
    expect(scratch.engine.containers.find(id).state.status).toBe("paused");
    await engine.unpauseContainer(scratch.engine, id);
    await engine.removeContainer(scratch.engine, id, { force: true, volumes: true });
  });

  test("a shim that is killed: what it left is ended, and the row says why", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], bridge);
    const { State } = await engine.inspectContainer(scratch.engine, id, { size: false });
    const shim = scratch.engine.containers.shims.get(scratch.engine.containers.find(id).id)?.pid as number;
    await engine.stopEngine(scratch.engine);
    process.kill(shim, "SIGKILL");
    const rooms = await nextDaemon();
    const after = (await engine.inspectContainer(rooms, id, { size: false })).State;
    expect(after).toMatchObject({ Status: "exited", ExitCode: 137, Running: false });
    expect(after?.Error).toBe(`the shim of container ${id} died, so the container was killed`);
    expect(alive(State?.Pid)).toBe(false);
    await noTraces(rooms);
  });
});

test("a shim that is killed while the daemon runs", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "1000"], bridge);
  const record = scratch.engine.containers.find(id);
  const { State } = await engine.inspectContainer(scratch.engine, id, { size: false });
  const ended = nextExit(scratch.engine, id);
  process.kill(scratch.engine.containers.shims.get(record.id)?.pid as number, "SIGKILL");
  expect(await ended).toMatchObject({
    StatusCode: 137,
    Error: { Message: `the shim of container ${id} died, so the container was killed` },
  });
  const [listed] = await engine.listContainers(scratch.engine, { all: true, size: false, filters: {} });
  expect(listed?.Status).toMatch(/^Exited \(137\) /);
  expect(alive(State?.Pid)).toBe(false);
  await scratch.engine.background.idle();
  await noTraces(scratch.engine);
  expect(await engine.startContainer(scratch.engine, id)).toBe("started");
});

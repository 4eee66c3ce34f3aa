// Restart policies of real containers: what they do at an end, how long they wait, what a person may do meanwhile, and what the
// next daemon makes of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { RestartPolicy } from "../../src/api/types/index.ts";
import { type ContainerId, updateRecord } from "../../src/containers/index.ts";
import * as engine from "../../src/engine/index.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const PATIENCE = 20_000;

const inspect = (id: string) => engine.inspectContainer(scratch.engine, id, { size: false });
const remove = (id: string) => engine.removeContainer(scratch.engine, id, { force: true, volumes: true });

async function until(id: string, what: (found: Awaited<ReturnType<typeof inspect>>) => boolean) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await inspect(id);
    if (what(found)) return found;
    if (Date.now() > end)
      throw new Error(`it came to ${JSON.stringify(found.State)}, ${found.RestartCount} restarts`);
    await Bun.sleep(5);
  }
}

async function withPolicy(policy: RestartPolicy, script: string, config: object = {}) {
  const { id } = await startedContainer(scratch.engine, ["sh", "-c", script], {
    config,
    hostConfig: { NetworkMode: "none", RestartPolicy: policy },
  });
  return id as ContainerId;
}

/** It has set its trap, and says so. */
async function ready(id: ContainerId): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!readFileSync(scratch.engine.containers.find(id).logPath, "utf8").includes("ready")) {
    if (Date.now() > end) throw new Error("it never said that it was ready");
    await Bun.sleep(10);
  }
}

/** One that waits between two runs, for so many milliseconds: as one that has failed for a while does. */
async function waiting(wait = 60_000): Promise<ContainerId> {
  const id = await withPolicy({ Name: "always" }, "sleep 0.1; exit 4");
  updateRecord(scratch.engine.containers, id, { restartWait: wait / 2 });
  await until(id, ({ State }) => State?.Status === "restarting");
  return id;
}

test("on-failure counts, backs off, and gives up", async () => {
  const { Id } = await engine.createContainer(
    scratch.engine,
    request(["sh", "-c", "exit 7"], {
      hostConfig: { NetworkMode: "none", RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
    }),
  );
  const began = Date.now();
  const { result } = await engine.waitContainer(
    scratch.engine,
    Id,
    "next-exit",
    AbortSignal.timeout(PATIENCE),
  );
  await engine.startContainer(scratch.engine, Id);
  expect((await result).StatusCode).toBe(7);
  expect(Date.now() - began).toBeGreaterThan(300); // 100 ms, then 200 ms
  expect(await inspect(Id)).toMatchObject({ RestartCount: 2, State: { Status: "exited", ExitCode: 7 } });
  // A person's start begins anew.
  await engine.startContainer(scratch.engine, Id);
  expect((await inspect(Id)).RestartCount).toBeLessThan(2);
  await until(Id, ({ RestartCount, State }) => RestartCount === 2 && State?.Status === "exited");
  await remove(Id);
});

test("on-failure lets a good end be; always doesn't", async () => {
  const good = await withPolicy({ Name: "on-failure" }, "exit 0");
  const again = await withPolicy({ Name: "always" }, "exit 0");
  await until(again, ({ RestartCount }) => (RestartCount ?? 0) > 1);
  expect(await inspect(good)).toMatchObject({ RestartCount: 0, State: { Status: "exited" } });
  await remove(good);
  await remove(again);
});

describe("between two runs", () => {
  test("it is shown as restarting, and what needs a running one is refused", async () => {
    const id = await waiting();
    expect((await inspect(id)).State).toMatchObject({
      Status: "restarting",
      Running: true,
      Restarting: true,
      Paused: false,
      Pid: 0,
      ExitCode: 4,
    });
    const [listed] = await engine.listContainers(scratch.engine, {
      all: false,
      size: false,
      filters: { id: [id], status: ["restarting"] },
    });
    expect(listed).toMatchObject({ State: "restarting" });
    expect(listed?.Status).toMatch(/^Restarting \(4\) .* ago$/);
    const text = `ontainer ${id} is restarting, wait until the container is running`;
    await expect(engine.pauseContainer(scratch.engine, id)).rejects.toThrow(text);
    await expect(engine.createExec(scratch.engine, id, { Cmd: ["true"] })).rejects.toThrow(text);
    await expect(
      engine.removeContainer(scratch.engine, id, { force: false, volumes: false }),
    ).rejects.toThrow("container is restarting: stop the container before removing or force remove");
    expect(await engine.startContainer(scratch.engine, id)).toBe("unchanged");
    await remove(id);
  });

  test.each<[string, (id: string) => Promise<unknown>]>([
    ["stop", (id) => engine.stopContainer(scratch.engine, id, { timeout: 9 })],
    ["kill", (id) => engine.killContainer(scratch.engine, id, "")],
    ["a signal", (id) => engine.killContainer(scratch.engine, id, "HUP")],
  ])("%s ends it at once, for good", async (_, act) => {
    const id = await waiting();
    const { result } = await engine.waitContainer(
      scratch.engine,
      id,
      "next-exit",
      AbortSignal.timeout(PATIENCE),
    );
    const count = (await inspect(id)).RestartCount;
    await act(id);
    expect(await result).toEqual({ StatusCode: 4 });
    expect(await inspect(id)).toMatchObject({
      RestartCount: count,
      State: { Status: "exited", ExitCode: 4 },
    });
    expect(scratch.engine.containers.find(id).stoppedByUser).toBe(true);
    // A start after it is a new life: the wait begins with the shortest again.
    await engine.startContainer(scratch.engine, id);
    await until(id, ({ State }) => State?.Status === "restarting");
    expect(scratch.engine.containers.find(id).restartWait).toBe(100);
    await remove(id);
  });

  test.each(["before", "after"])(
    "a stop %s its policy's start of the program leaves it as it had ended",
    async (when) => {
      const id = await waiting(100);
      const { shims } = scratch.engine.containers;
      const stop = () => engine.stopContainer(scratch.engine, id, { timeout: 9 });
      const stopped = new Promise<string>((resolve) => {
        shims.set = (key, shim) => {
          const start = shim.start.bind(shim);
          shim.start = async () => {
            if (when === "before") resolve(await stop());
            const started = await start();
            if (when === "after") resolve(await stop());
            return started;
          };
          return Map.prototype.set.call(shims, key, shim) as typeof shims;
        };
      });
      try {
        expect(await stopped).toBe("stopped");
      } finally {
        Reflect.deleteProperty(shims, "set");
      }
      await scratch.engine.background.idle();
      expect((await inspect(id)).State).toMatchObject({ Status: "exited", ExitCode: 4, Error: "", Pid: 0 });
      await remove(id);
    },
  );

  test("restart starts it at once, and counts anew", async () => {
    const id = await waiting();
    await engine.restartContainer(scratch.engine, id, { timeout: 9 });
    expect((await inspect(id)).RestartCount).toBeLessThan(3);
    await remove(id);
  });

  test("removal by force takes it away, and nothing starts it afterwards", async () => {
    const id = await waiting();
    await remove(id);
    expect(scratch.engine.restarts.size).toBe(0);
    expect(scratch.engine.containers.get(id)).toBeUndefined();
  });
});

test("a restart that fails is the last; it shows the last run's status and the reason", async () => {
  const id = await withPolicy({ Name: "always" }, "rm /bin/sh; exit 3");
  const { State } = await until(id, ({ State }) => State?.Status === "exited");
  expect(State?.ExitCode).toBe(3);
  expect(State?.Error).toContain('exec: "sh": executable file not found in $PATH');
  await remove(id);
});

test("a signal: to unless-stopped any is a stop, to always only the container's own", async () => {
  const script = "trap 'exit 3' HUP; echo ready; while :; do sleep 0.05; done";
  const policies: RestartPolicy["Name"][] = ["always", "unless-stopped"];
  const ids = await Promise.all(
    policies.map((Name) => withPolicy({ Name } as RestartPolicy, script, { StopSignal: "QUIT" })),
  );
  for (const id of ids) await ready(id);
  for (const id of ids) await engine.killContainer(scratch.engine, id, "HUP");
  const [always = "", unlessStopped = ""] = ids;
  await until(always, ({ RestartCount }) => RestartCount === 1);
  await until(unlessStopped, ({ State }) => State?.Status === "exited");
  expect((await inspect(unlessStopped)).RestartCount).toBe(0);
  for (const id of ids) await remove(id);
});

describe("the next daemon", () => {
  test("starts what its policy wants up, also what a person stopped if it is always", async () => {
    const stopped = async (policy: RestartPolicy, code: number) => {
      const id = await withPolicy(
        policy,
        `trap 'exit ${code}' TERM; echo ready; while :; do sleep 0.05; done`,
      );
      return id;
    };
    const cases: [RestartPolicy, number, boolean][] = [
      [{ Name: "always" }, 0, true],
      [{ Name: "unless-stopped" }, 0, false],
      [{ Name: "on-failure" }, 0, false],
      [{ Name: "on-failure" }, 5, true],
      [{ Name: "no" }, 5, false],
    ];
    const ids = await Promise.all(cases.map(([policy, code]) => stopped(policy, code)));
    for (const id of ids) await ready(id);
    await Promise.all(ids.map((id) => engine.stopContainer(scratch.engine, id, { timeout: 10 })));
    const given = await withPolicy({ Name: "on-failure", MaximumRetryCount: 1 }, "exit 6");
    await until(given, ({ RestartCount, State }) => RestartCount === 1 && State?.Status === "exited");
    await scratch.restart();
    await scratch.engine.background.idle();
    const running = await Promise.all(ids.map(async (id) => (await inspect(id)).State?.Running));
    expect(running).toEqual(cases.map(([, , starts]) => starts));
    expect((await inspect(given)).State?.Status).toBe("exited"); // tried as often as was said
    for (const id of [...ids, given]) await remove(id);
  });

  test("lets a container wait on as long as it had to, and doubles that", async () => {
    const id = await waiting(1000);
    const before = scratch.engine.containers.find(id);
    expect(before.restartWait).toBe(1000);
    const due = Date.parse("exit" in before.state ? (before.state.exit?.finishedAt ?? "") : "") + 1000;
    await scratch.restart();
    expect((await inspect(id)).State?.Status).toBe("restarting");
    await until(id, ({ RestartCount }) => RestartCount === 2);
    expect(Date.now()).toBeGreaterThanOrEqual(due);
    expect(scratch.engine.containers.find(id).restartWait).toBe(2000);
    await remove(id);
  });

  test("starts what joins another's namespaces after that one", async () => {
    const policy: RestartPolicy = { Name: "always" };
    // Made later, so listed first.
    const owner = await withPolicy(policy, "sleep 1000");
    const guest = await startedContainer(scratch.engine, ["sleep", "1000"], {
      hostConfig: { NetworkMode: `container:${owner}`, PidMode: `container:${owner}`, RestartPolicy: policy },
    });
    for (const id of [guest.id, owner]) await engine.stopContainer(scratch.engine, id, { timeout: 0 });
    await scratch.restart();
    await scratch.engine.background.idle();
    for (const id of [guest.id, owner]) {
      expect((await inspect(id)).State).toMatchObject({ Status: "running", Error: "" });
      await remove(id);
    }
  });
});

// `update` against the kernel: limits of containers that run, are paused, or don't run; refusals that change nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import type { HostConfig } from "../../src/api/types/index.ts";
import * as engine from "../../src/engine/index.ts";
import { cgroupFolders, hostCgroupMode } from "../../src/runtime/index.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { execOutput, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const MB = 1 << 20;
const v2 = hostCgroupMode() === "v2";

/** What the kernel has, in v1's words. */
function kernel(id: string) {
  const folders = cgroupFolders(`/berth/${id}`);
  const text = (controller: string, file: string) =>
    readFileSync(`${v2 ? folders.unified : folders[controller]}/${file}`, "utf8").trim();
  const pids = text("pids", "pids.max");
  const cpus = text("cpuset", "cpuset.cpus");
  if (!v2)
    return {
      memory: Number(text("memory", "memory.limit_in_bytes")),
      quota: Number(text("cpu", "cpu.cfs_quota_us")),
      period: Number(text("cpu", "cpu.cfs_period_us")),
      pids,
      cpus,
    };
  const [quota, period] = text("cpu", "cpu.max").split(" ");
  return {
    memory: Number(text("memory", "memory.max")),
    quota: Number(quota),
    period: Number(period),
    pids,
    cpus,
  };
}

const update = (id: string, changes: HostConfig) => engine.updateContainer(scratch.engine, id, changes);
const recorded = (id: string) => scratch.engine.containers.find(id).hostConfig;

describe("a container that runs", () => {
  test("has its limits at once, in the kernel and on record, and an event tells", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "60"], {
      hostConfig: { Memory: 64 * MB, MemorySwap: 128 * MB },
    });
    const leave = new AbortController();
    const events = scratch.engine.events.stream({ filters: { event: ["update"] } }, leave.signal);
    const told = events[Symbol.asyncIterator]().next();
    // Memory over what swap was, so that the order of the two writes matters on v1.
    expect(
      await update(id, {
        Memory: 200 * MB,
        MemorySwap: 400 * MB,
        NanoCpus: 5e8,
        PidsLimit: 30,
        CpusetCpus: "0",
      }),
    ).toEqual([]);
    expect(kernel(id)).toEqual({ memory: 200 * MB, quota: 50_000, period: 100_000, pids: "30", cpus: "0" });
    expect(recorded(id)).toMatchObject({
      Memory: 200 * MB,
      MemorySwap: 400 * MB,
      NanoCpus: 5e8,
      PidsLimit: 30,
    });
    expect((await told).value).toMatchObject({ Action: "update", Actor: { ID: id } });
    leave.abort();
    await update(id, { PidsLimit: -1 });
    expect(kernel(id).pids).toBe("max");
    expect(recorded(id).PidsLimit).toBe(0);
    await engine.restartContainer(scratch.engine, id, { timeout: 0 });
    expect(kernel(id)).toMatchObject({ memory: 200 * MB, quota: 50_000, cpus: "0" });
  });

  test("keeps what it has when the kernel refuses a part", async () => {
    const { id } = await startedContainer(
      scratch.engine,
      ["sh", "-c", "head -c 20000000 /dev/zero > /dev/shm/x; sleep 60"],
      {
        hostConfig: { Memory: 64 * MB, MemorySwap: 64 * MB, CpuShares: 512 },
      },
    );
    const written = async () =>
      (await execOutput(scratch.engine, id, ["wc", "-c", "/dev/shm/x"])).stdout.split(" ")[0];
    while ((await written()) !== "20000000") await Bun.sleep(20);
    if (v2) return; // there the limit is set, and the kernel makes room or kills
    const before = { kernel: kernel(id), record: recorded(id) };
    // Processor time is set first, and has to be taken back.
    expect(update(id, { NanoCpus: 5e8, Memory: 10 * MB })).rejects.toThrow(
      /^Cannot update container [0-9a-f]{64}: .*unable to set memory limit to 10485760 \(current usage: \d+, peak usage: \d+\)$/,
    );
    await scratch.engine.containers.locks.run(id, () => {});
    expect(kernel(id)).toEqual(before.kernel);
    expect(recorded(id)).toEqual(before.record);
    expect(scratch.engine.containers.find(id).updating).toBeUndefined();
  });

  test("paused takes limits and stays paused", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "60"]);
    await engine.pauseContainer(scratch.engine, id);
    await update(id, { PidsLimit: 7 });
    expect(kernel(id).pids).toBe("7");
    expect(scratch.engine.containers.find(id).state.status).toBe("paused");
    await engine.unpauseContainer(scratch.engine, id);
  });

  test("whose shim is of an older release is left as it was, its policy excepted", async () => {
    const { id } = await startedContainer(scratch.engine, ["sleep", "60"]);
    const features = scratch.engine.containers.shims.get(scratch.engine.containers.find(id).id)
      ?.features as string[];
    features.splice(features.indexOf("update"), 1);
    expect(update(id, { PidsLimit: 7 })).rejects.toThrow("its shim is of an older release");
    await scratch.engine.containers.locks.run(id, () => {});
    expect(kernel(id).pids).toBe("max");
    expect(recorded(id).PidsLimit ?? null).toBeNull();
    await update(id, { RestartPolicy: { Name: "always" } });
    expect(recorded(id).RestartPolicy?.Name).toBe("always");
  });
});

test("one that doesn't run has its limits from its next start on", async () => {
  const { Id } = await engine.createContainer(scratch.engine, request(["sleep", "60"]));
  await update(Id, { NanoCpus: 3e8, PidsLimit: 12 });
  expect(existsSync(`/sys/fs/cgroup/pids/berth/${Id}`)).toBe(false);
  await engine.startContainer(scratch.engine, Id);
  expect(kernel(Id)).toMatchObject({ quota: 30_000, pids: "12" });
});

test("a restart that waits does not come when the policy is taken away", async () => {
  const { Id } = await engine.createContainer(
    scratch.engine,
    request(["false"], { hostConfig: { RestartPolicy: { Name: "always" } } }),
  );
  await engine.startContainer(scratch.engine, Id);
  const record = () => scratch.engine.containers.find(Id);
  while (record().state.status !== "restarting" || record().restartCount < 3) await Bun.sleep(5);
  const { ContainersRunning: running = 0, ContainersStopped: stopped } = await engine.systemInfo(
    scratch.engine,
  );
  await update(Id, { RestartPolicy: { Name: "no" } });
  const { restartCount } = record();
  expect(record().state.status).toBe("exited");
  await Bun.sleep(1000);
  expect(record()).toMatchObject({ state: { status: "exited" }, restartCount });
  // It was among those that are not running before, too.
  expect(await engine.systemInfo(scratch.engine)).toMatchObject({
    ContainersRunning: running,
    ContainersStopped: stopped,
  });
});

describe("refused in Docker's words, with nothing touched", () => {
  const cases: [string, HostConfig, HostConfig, string][] = [
    ["too little memory", {}, { Memory: MB }, "Minimum memory limit allowed is 6MB"],
    [
      "memory over swap",
      { Memory: 64 * MB },
      { Memory: 200 * MB },
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    ],
    [
      "swap below memory",
      {},
      { Memory: 64 * MB, MemorySwap: 32 * MB },
      "Minimum memoryswap limit should be larger than memory limit, see usage",
    ],
    [
      "a quota where there are cpus",
      { NanoCpus: 1e8 },
      { CpuQuota: 50_000 },
      "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
    ],
    [
      "a period where there are cpus",
      { NanoCpus: 1e8 },
      { CpuPeriod: 50_000 },
      "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set",
    ],
    [
      "cpus where there is a quota",
      { CpuQuota: 50_000 },
      { NanoCpus: 1e8 },
      "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set",
    ],
    [
      "cpus where there is a period",
      { CpuPeriod: 50_000 },
      { NanoCpus: 1e8 },
      "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
    ],
    ["no such processor", {}, { CpusetCpus: "4000" }, "Requested CPUs are not available - requested 4000"],
    [
      "no such policy",
      {},
      { RestartPolicy: { Name: "bogus" as "no" } },
      "invalid restart policy: unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
    [
      "a count for always",
      {},
      { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } },
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    ],
    [
      "a policy beside --rm",
      { AutoRemove: true },
      { RestartPolicy: { Name: "always" } },
      "Restart policy cannot be updated because AutoRemove is enabled for the container",
    ],
  ];
  test.each(cases)("%s", async (_, has, changes, words) => {
    const { Id } = await engine.createContainer(scratch.engine, request(["true"], { hostConfig: has }));
    const before = recorded(Id);
    expect(update(Id, changes)).rejects.toThrow(words);
    await scratch.engine.containers.locks.run(Id, () => {});
    expect(recorded(Id)).toEqual(before);
  });

  test("what is wrong with the request comes before what is wrong with the name", () => {
    expect(update("nosuch", { Memory: 1 })).rejects.toThrow("Minimum memory limit allowed is 6MB");
    expect(update("nosuch", {})).rejects.toThrow("No such container: nosuch");
  });
});

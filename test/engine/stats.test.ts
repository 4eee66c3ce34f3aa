// A container's figures against what the kernel itself says of its group and its devices.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as engine from "../../src/engine/index.ts";
import { cgroupFolders, hostCgroupMode } from "../../src/runtime/index.ts";
import { request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { execOutput, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
beforeAll(async () => {
  scratch = await scratchEngine();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const never = () => new AbortController().signal;

async function once(reference: string, oneShot = true) {
  const readings = await engine.containerStats(
    scratch.engine,
    reference,
    { stream: false, oneShot },
    never(),
  );
  for await (const reading of readings) return reading;
  throw new Error("no reading came");
}

/** What the kernel counts: processor time in nanoseconds, bytes of memory. */
function kernelCounts(id: string) {
  const folders = cgroupFolders(`/berth/${id}`);
  const number = (path: string) => Number(readFileSync(path, "utf8"));
  if (hostCgroupMode() !== "v2")
    return {
      processor: number(`${folders.cpuacct}/cpuacct.usage`),
      memory: number(`${folders.memory}/memory.usage_in_bytes`),
    };
  const used = /^usage_usec (\d+)/m.exec(readFileSync(`${folders.unified}/cpu.stat`, "utf8"))?.[1];
  return { processor: Number(used) * 1000, memory: number(`${folders.unified}/memory.current`) };
}

test("figures lie between what the kernel says before and after", async () => {
  const { id } = await startedContainer(scratch.engine, ["sh", "-c", "while :; do :; done"], {
    hostConfig: { Memory: 64 << 20, PidsLimit: 20 },
  });
  const before = kernelCounts(id);
  const stats = await once(id);
  const after = kernelCounts(id);
  const used = Number(stats.cpu_stats.cpu_usage.total_usage);
  expect(used).toBeGreaterThanOrEqual(before.processor);
  expect(used).toBeLessThanOrEqual(after.processor);
  expect(stats.memory_stats.limit).toBe(64 << 20);
  expect(stats.pids_stats).toEqual({ current: 1, limit: 20 });
  expect(Number(stats.memory_stats.usage)).toBeGreaterThan(0);
  expect(stats.preread).toBe("0001-01-01T00:00:00Z");
  expect(stats.cpu_stats.online_cpus).toBe(navigator.hardwareConcurrency);
});

test("the second reading has the first as what was before, and the share is right", async () => {
  const { id } = await startedContainer(scratch.engine, ["sh", "-c", "while :; do :; done"], {
    hostConfig: { NanoCpus: 250_000_000 },
  });
  const { cpu_stats: now, precpu_stats: before, read, preread } = await once(id, false);
  expect(Date.parse(read) - Date.parse(preread)).toBeGreaterThan(900);
  const used = Number(now.cpu_usage.total_usage) - Number(before.cpu_usage.total_usage);
  // A quarter of a processor for a second or more: the quota's period is a tenth of one.
  const passed = Date.parse(read) - Date.parse(preread);
  expect(used / 1e6 / passed).toBeLessThan(0.4);
  expect(used).toBeGreaterThan(0);
  expect(Number(now.throttling_data.periods)).toBeGreaterThan(Number(before.throttling_data.periods));
});

test("networks: as the container itself counts, also for who shares them; none without", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "60"]);
  const peer = await startedContainer(scratch.engine, ["sleep", "60"], {
    hostConfig: { NetworkMode: `container:${id}` },
  });
  const gateway = (await engine.inspectContainer(scratch.engine, id, { size: false })).NetworkSettings
    ?.Networks?.bridge?.Gateway;
  await execOutput(scratch.engine, id, ["ping", "-c", "3", "-i", "0.1", String(gateway)]);
  const line = async () =>
    ((await execOutput(scratch.engine, id, ["cat", "/proc/net/dev"])).stdout
      .split("\n")
      .find((text) => text.includes("eth0:"))
      ?.split(":")[1]
      ?.trim()
      .split(/\s+/)
      .map(Number) ?? []) as number[];
  const before = await line();
  const { networks } = await once(id);
  const after = await line();
  expect(Object.keys(networks ?? {})).toEqual(["eth0"]);
  for (const [name, column] of [
    ["rx_bytes", 0],
    ["rx_packets", 1],
    ["tx_bytes", 8],
    ["tx_packets", 9],
  ] as const) {
    expect(networks?.eth0?.[name]).toBeGreaterThanOrEqual(before[column] as number);
    expect(networks?.eth0?.[name]).toBeLessThanOrEqual(after[column] as number);
    expect(networks?.eth0?.[name]).toBeGreaterThan(0);
  }
  expect((await once(peer.id)).networks?.eth0?.tx_packets).toBeGreaterThan(0);
  const without = await startedContainer(scratch.engine, ["sleep", "60"], {
    hostConfig: { NetworkMode: "none" },
  });
  expect((await once(without.id)).networks).toBeUndefined();
});

test("a stream over the end, the next start and the removal of its container", async () => {
  const { id } = await startedContainer(scratch.engine, ["sleep", "60"]);
  const stream = await engine.containerStats(scratch.engine, id, { stream: true, oneShot: false }, never());
  const ran: boolean[] = [];
  for await (const { pids_stats, name } of stream) {
    expect(name).toBe(`/${scratch.engine.containers.find(id).name}`);
    const runs = pids_stats.current !== undefined;
    if (runs !== ran.at(-1)) ran.push(runs);
    if (ran.length === 1) await engine.stopContainer(scratch.engine, id, { timeout: 0 });
    if (ran.length === 2) await engine.startContainer(scratch.engine, id);
    if (ran.length === 3) await engine.removeContainer(scratch.engine, id, { force: true, volumes: true });
  }
  expect(ran).toEqual([true, false, true]);
});

test("one that does not run, one that isn't there, and both wishes at once", async () => {
  const { Id } = await engine.createContainer(scratch.engine, request(["true"]));
  const stats = await once(Id, false);
  expect(stats).toMatchObject({ id: Id, read: "0001-01-01T00:00:00Z", pids_stats: {}, memory_stats: {} });
  expect(stats.cpu_stats).not.toHaveProperty("online_cpus");
  const ask = (name: string, wishes: { stream: boolean; oneShot: boolean }) =>
    engine.containerStats(scratch.engine, name, wishes, never());
  expect(ask("nosuch", { stream: true, oneShot: false })).rejects.toThrow("No such container: nosuch");
  expect(ask(Id, { stream: true, oneShot: true })).rejects.toThrow(
    "cannot have stream=true and one-shot=true",
  );
});

// Trees of files as kernels gave them: v2 recorded in Debian 12 (Linux 6.1, systemd) of a group with limits on memory,
// processes and processor time, v1 of a container on a hybrid host (Linux 6.18) without limits.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { readCgroupStats, readHostProcessors } from "./index.ts";
import { count, times } from "./numbers.ts";

const CASES = join(import.meta.dir, "cases");
const HOST_MEMORY = 755_253_248;

test("version 2, in the scope that a shim shares with its container", async () => {
  const path = "/system.slice/berth-1.scope/container";
  const stats = await readCgroupStats(path, {
    root: join(CASES, "v2"),
    mode: "v2",
    hostMemory: HOST_MEMORY,
  });
  expect(stats).toMatchObject({
    pids_stats: { current: 2, limit: 50 },
    cpu_stats: {
      cpu_usage: {
        total_usage: 10_107_345_000,
        usage_in_kernelmode: 202_146_000,
        usage_in_usermode: 9_905_198_000,
      },
      throttling_data: { periods: 209, throttled_periods: 198, throttled_time: 9_731_683_000 },
    },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 254, minor: 0, op: "read", value: 8_478_720 },
        { major: 254, minor: 0, op: "write", value: 8_388_608 },
      ],
      io_serviced_recursive: null,
      sectors_recursive: null,
    },
    memory_stats: { usage: 491_520, limit: 67_108_864 },
  });
  expect(stats?.memory_stats.stats).toMatchObject({ anon: 212_992, inactive_file: 8192, pgfault: 860 });
  expect(Object.keys(stats?.memory_stats.stats ?? {})).toHaveLength(31);
  expect(stats?.memory_stats).not.toHaveProperty("max_usage");
  expect(stats?.memory_stats).not.toHaveProperty("failcnt");
  expect(stats?.cpu_stats.cpu_usage).not.toHaveProperty("percpu_usage");
});

for (const mode of ["v1", "hybrid"] as const)
  test(`${mode}: a folder for each controller, no limits`, async () => {
    const stats = await readCgroupStats("/berth/1", {
      root: join(CASES, "v1"),
      mode,
      hostMemory: HOST_MEMORY,
    });
    expect(stats?.pids_stats).toEqual({ current: 1 });
    expect(stats?.memory_stats.limit).toBe(HOST_MEMORY);
    expect(stats?.memory_stats.stats?.hierarchical_memory_limit).toBe(9_223_372_036_854_771_712n);
    expect(Object.keys(stats?.memory_stats.stats ?? {})).toHaveLength(32);
    expect(stats?.blkio_stats.io_service_bytes_recursive).toContainEqual({
      major: 254,
      minor: 0,
      op: "Write",
      value: 8_388_608,
    });
    expect(stats?.blkio_stats.io_queue_recursive).toEqual([]);
    const { cpu_usage } = stats?.cpu_stats ?? {};
    expect(cpu_usage?.percpu_usage?.reduce<number>((sum, one) => sum + Number(one), 0)).toBe(
      Number(cpu_usage?.total_usage),
    );
  });

test("a group that is gone", async () => {
  for (const mode of ["v1", "v2"] as const)
    expect(await readCgroupStats("/berth/2", { root: join(CASES, mode), mode })).toBeUndefined();
});

test("numbers of 64 bits stay whole", () => {
  expect(count("9223372036854771712\n")).toBe(9_223_372_036_854_771_712n);
  expect(count("max\n")).toBe(18_446_744_073_709_551_615n);
  expect(count("12\n")).toBe(12);
  expect(count("")).toBeUndefined();
  expect(times(2 ** 52, 1000)).toBe(4_503_599_627_370_496_000n);
});

test("the host's processors: seven columns in hundredths of a second", async () => {
  const folder = join(CASES, "stat");
  expect(await readHostProcessors(folder)).toEqual({ usage: 59_579 * 1e7, online: 1 });
});

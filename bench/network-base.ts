// A Debian with iperf3, wrk and nginx: the same in the containers of both engines, in plain namespaces, and on the host.
// Making it takes minutes, so it is kept between runs.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./benchmarks.ts";
import { timeProcess } from "./measure.ts";

/** BERTH_BENCH_CACHE: where it is kept. */
const CACHE = process.env.BERTH_BENCH_CACHE ?? "/var/tmp/berth-bench-base";
const TREE = join(CACHE, "debian-network");
const ARCHIVE = `${TREE}.tar`;

async function makeBase(): Promise<void> {
  if (existsSync(ARCHIVE)) return;
  const part = `${TREE}-${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  rmSync(TREE, { recursive: true, force: true });
  try {
    await timeProcess([
      "debootstrap",
      "--variant=minbase",
      "--include=iperf3,wrk,nginx-light",
      "stable",
      part,
    ]);
    renameSync(part, TREE);
    await timeProcess(["tar", "-C", TREE, "-cf", `${ARCHIVE}.part`, "."]);
    renameSync(`${ARCHIVE}.part`, ARCHIVE);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** Both engines have it under `name` after. */
export async function giveTools({ ours, peer }: Setting, name: string): Promise<void> {
  await makeBase();
  for (const { cli, environment } of [ours, ...(peer ? [peer] : [])])
    await timeProcess([cli, "import", ARCHIVE, name], environment);
}

/** The same tools outside of containers: on the host, or in a network namespace. */
export const tool = (command: readonly string[], namespace?: string): string[] => [
  ...(namespace ? ["nsenter", `--net=${namespace}`] : []),
  "chroot",
  TREE,
  ...command,
];

// A Debian with a C compiler, the same for both engines. Making it takes minutes, so it is kept between runs.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./benchmarks.ts";
import { timeProcess } from "./measure.ts";

/** BERTH_BENCH_CACHE: where it is kept. */
const CACHE = process.env.BERTH_BENCH_CACHE ?? "/var/tmp/berth-bench-base";

async function compilerArchive(): Promise<string> {
  const archive = join(CACHE, "debian-gcc.tar");
  if (existsSync(archive)) return archive;
  const tree = join(CACHE, `tree-${process.pid}`);
  mkdirSync(CACHE, { recursive: true });
  try {
    await timeProcess(["debootstrap", "--variant=minbase", "--include=gcc,libc6-dev,make", "stable", tree]);
    await timeProcess(["tar", "-C", tree, "-cf", `${archive}.part`, "."]);
    renameSync(`${archive}.part`, archive);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  return archive;
}

/** Both engines have it under `name` after. */
export async function giveCompiler({ ours, peer }: Setting, name: string): Promise<void> {
  const archive = await compilerArchive();
  for (const { cli, environment } of [ours, ...(peer ? [peer] : [])])
    await timeProcess([cli, "import", archive, name], environment);
}

// Starts a shim.
import { closeSync, openSync, writeFileSync } from "node:fs";
import { systemError } from "../../base/errors.ts";
import { selfProcess } from "../../base/self.ts";
import { KernelError } from "../../linux/errors.ts";
import { warmCgroupLock } from "../cgroup-lock.ts";
import { scopeOf } from "../cgroups.ts";
import { loggingFailure } from "../log-failure.ts";
import type { Started } from "../shim/protocol.ts";
import { enterContainerScope, moveShimAway, systemdRunsHost } from "../systemd/scope.ts";
import type { Shim, ShimConfig } from "../types.ts";
import { connectShim } from "./client.ts";
import { read } from "./read-file.ts";

/**
 * A shim starts in milliseconds; on a host that boots or swaps, reading the program alone may take half a minute. One
 * that died is seen at once, so this is for one that hangs.
 */
const START_LIMIT = 120_000;
/**
 * Writes `dir`/shim.json and starts the shim (`berth shim DIR`) in a session of its own; resolves when it listens and
 * holds the ports of `reservePorts`. Nothing of the container runs yet: attach first, then `start()`.
 * Errors: KernelError `bind 0.0.0.0:80/tcp: address already in use` (code EADDRINUSE) for a port that is taken.
 * `dir` must exist; it and all in it is the shim's until `remove()`, after that the caller's to delete.
 */
export async function startShim(dir: string, config: ShimConfig): Promise<Shim> {
  warmCgroupLock();
  writeFileSync(`${dir}/shim.json`, JSON.stringify(config), { mode: 0o600 });
  const stderr = openSync(`${dir}/shim.log`, "a", 0o600);
  try {
    const child = Bun.spawn({
      ...selfProcess("shim", dir),
      cwd: "/",
      env: shimEnvironment(),
      stdio: ["ignore", "pipe", stderr],
      detached: true,
    });
    child.unref();
    try {
      await Promise.all([started(child.stdout, dir), giveScope(config, child.pid)]);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  } finally {
    closeSync(stderr);
  }
  return connectShim(dir);
}

/**
 * JavaScriptCore's settings for a process that does little and lives long (bench/shim-memory.ts): no optimising
 * compilers, whose graphs and code take 5 MB after the first gigabyte of output; the simple one only for what runs
 * millions of times (the log's lines), since the code of all that an exec touches takes 1 MB; a heap that grows in
 * small steps, and of which nothing is made ready in advance.
 */
const SMALL = {
  BUN_JSC_useConcurrentJIT: "0",
  BUN_JSC_useDFGJIT: "0",
  BUN_JSC_thresholdForJITAfterWarmUp: "500000",
  BUN_JSC_thresholdForJITSoon: "500000",
  BUN_JSC_forceMiniVMMode: "1",
  BUN_JSC_useWarmUpMarkedBlocks: "0",
};

/** Takes the shim out of the daemon's unit, on hosts that have such. */
async function giveScope({ cgroupPath, id }: ShimConfig, pid: number): Promise<void> {
  const scope = scopeOf(cgroupPath);
  if (scope) await enterContainerScope(scope, id, pid);
  else if (systemdRunsHost()) void moveShimAway(id, pid);
}

/** What the shim needs and no more. */
function shimEnvironment(): Record<string, string> {
  const { PATH, BERTH_FAILPOINT } = process.env;
  return {
    ...(PATH ? { PATH } : {}),
    ...(BERTH_FAILPOINT ? { BERTH_FAILPOINT } : {}),
    ...SMALL,
  };
}

/** Waits for the shim's first line. */
async function started(output: ReadableStream<Uint8Array>, dir: string): Promise<void> {
  const limit = AbortSignal.timeout(START_LIMIT);
  const reader = output.getReader();
  const onLimit = () => void reader.cancel();
  limit.addEventListener("abort", onLimit);
  let line = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (value) line += Buffer.from(value).toString();
      if (done || line.endsWith("\n")) break;
    }
  } finally {
    limit.removeEventListener("abort", onLimit);
    reader.releaseLock();
  }
  if (line === "") throw systemError(`the shim did not start: ${lastWords(dir) ?? "it said nothing"}`);
  const report = JSON.parse(line) as Started;
  if (report.ready) return;
  if (report.logging) throw loggingFailure(report.message);
  if (report.errno !== undefined)
    throw new KernelError(report.syscall ?? "start", report.errno, report.object);
  throw systemError(`the shim did not start: ${report.message}`);
}

function lastWords(dir: string): string | undefined {
  const text = read(`${dir}/shim.log`)?.trim();
  return text ? text.slice(-2000) : undefined;
}

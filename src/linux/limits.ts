// Limits of this process: setrlimit(2), proc_pid_oom_score_adj(5).
import { writeFileSync } from "node:fs";
import { check, libc, T } from "./ffi.ts";

const calls = libc({ setrlimit: { args: [T.i32, T.ptr], returns: T.i32 } });

/** Numbers of asm-generic/resource.h, the same on x64 and arm64. */
const RLIMIT = { processorSeconds: 0, fileSize: 1, core: 4, openFiles: 7 } as const;
export type Limit = keyof typeof RLIMIT;

/**
 * Sets a limit's soft and hard value; it holds for all threads and for what they start, and can't be raised again. At the
 * soft limit of processor time SIGXCPU comes, at the hard one SIGKILL, which doesn't say why.
 */
export function limitProcess(limit: Limit, value: number, hard = value): void {
  check(
    calls.setrlimit(RLIMIT[limit], new BigUint64Array([BigInt(value), BigInt(hard)])),
    "setrlimit",
    limit,
  );
}

/** Makes the kernel take this process first when memory runs out: 0 to 1000. */
export function offerToOomKiller(score: number): void {
  writeFileSync("/proc/self/oom_score_adj", String(score));
}

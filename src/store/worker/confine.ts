// Starts a worker in its cage: its own mount namespace, an empty network namespace, no new privileges, few
// capabilities; it dies with the daemon. util-linux does it, since Bun has several threads and a namespace entered by
// one of them is not entered by the others (unshare(1), setpriv(1)). Both exec what follows: the pid stays.
import type { Subprocess } from "bun";
import { BerthError, systemError } from "../../base/errors.ts";
import { selfCommand } from "../../base/self.ts";
import { parseReport } from "./report.ts";

/**
 * What unpacking takes: give files away, write where modes forbid, set modes and times of others' files, keep setuid
 * bits, make devices, set file capabilities, enter the folder as root directory. Not SYS_ADMIN: the one thing that
 * needs it, overlay's mark of an opaque folder (a `trusted.` attribute), is set by the daemon from the report.
 */
const UNPACK_CAPABILITIES = ["chown", "dac_override", "fowner", "fsetid", "mknod", "setfcap", "sys_chroot"];

export const WORKER_CAPABILITIES = { unpack: UNPACK_CAPABILITIES } as const;
export type Job = keyof typeof WORKER_CAPABILITIES;

/** The command line that starts a confined worker. */
export function workerCommand(job: Job, ...args: string[]): string[] {
  const bounding = ["-all", ...WORKER_CAPABILITIES[job].map((name) => `+${name}`)].join(",");
  return [
    "unshare",
    "--mount",
    "--net",
    "--",
    "setpriv",
    "--no-new-privs",
    "--pdeathsig=KILL",
    "--inh-caps=-all",
    `--bounding-set=${bounding}`,
    "--",
    ...selfCommand("worker", job, ...args),
  ];
}

/** The environment of a worker: nothing of the daemon's but what a failing test needs. */
export const WORKER_ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** Awaits a worker's end and its report. Errors: what the worker reported, or that it died without a report. */
export async function workerResult<T>(
  job: Job,
  worker: Subprocess<"pipe" | number, "pipe", "pipe">,
  signal: AbortSignal | undefined,
): Promise<T> {
  const kill = () => worker.kill("SIGKILL");
  signal?.addEventListener("abort", kill);
  try {
    if (signal?.aborted) kill();
    const [output, errors] = await Promise.all([worker.stdout.text(), worker.stderr.text(), worker.exited]);
    signal?.throwIfAborted();
    const report = parseReport<T>(output);
    if (report && "ok" in report) return report.ok;
    if (report) throw new BerthError(report.error.kind, report.error.message);
    const end = worker.signalCode
      ? `was killed by ${worker.signalCode}`
      : `ended with status ${worker.exitCode}`;
    const words = errors.trim().slice(-2000);
    throw systemError(`the worker for "${job}" ${end}${words ? `: ${words}` : ""}`);
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}

// Starts a worker in its cage: its own mount namespace, an empty network namespace, no new privileges, few
// capabilities; it dies with the daemon. util-linux does it, since Bun has several threads and a namespace entered by
// one of them is not entered by the others (unshare(1), setpriv(1)). Both exec what follows: the pid stays.
import type { Subprocess } from "bun";
import { BerthError, invalid, systemError } from "../../base/errors.ts";
import { selfCommand } from "../../base/self.ts";
import { parseReport } from "./report.ts";

/**
 * What unpacking takes: give files away, write where modes forbid, set modes and times of others' files, keep setuid
 * bits, make devices, set file capabilities, enter the folder as root directory. Not SYS_ADMIN: the one thing that
 * needs it, overlay's mark of an opaque folder (a `trusted.` attribute), is set by the daemon from the report.
 */
const UNPACK_CAPABILITIES = ["chown", "dac_override", "fowner", "fsetid", "mknod", "setfcap", "sys_chroot"];

/** What reading all of a tree takes. */
const PACK_CAPABILITIES = ["dac_read_search", "sys_chroot"];

/** Jobs in a container's view, which the job "view" makes before. */
const INNER_CAPABILITIES = {
  stat: PACK_CAPABILITIES,
  archive: PACK_CAPABILITIES,
  export: PACK_CAPABILITIES,
  "send-tree": PACK_CAPABILITIES,
  "file-digests": PACK_CAPABILITIES,
  "file-names": PACK_CAPABILITIES,
  "scan-packages": PACK_CAPABILITIES,
  extract: UNPACK_CAPABILITIES,
} as const;
export type InnerJob = keyof typeof INNER_CAPABILITIES;

/** Capabilities of each job. "view" mounts (SYS_ADMIN), reads nothing of a stranger's, and becomes an inner job without that. */
export const WORKER_CAPABILITIES = {
  unpack: UNPACK_CAPABILITIES,
  view: [...UNPACK_CAPABILITIES, "dac_read_search", "setpcap", "sys_admin"],
  ...INNER_CAPABILITIES,
  changes: PACK_CAPABILITIES,
  "file-actions": UNPACK_CAPABILITIES,
  "digest-paths": PACK_CAPABILITIES,
  "pack-changes": PACK_CAPABILITIES,
  "pack-layers": PACK_CAPABILITIES,
  recompress: [],
  "receive-context": UNPACK_CAPABILITIES,
} as const;
export type Job = Exclude<keyof typeof WORKER_CAPABILITIES, InnerJob>;

const boundingSet = (job: Job | InnerJob): string =>
  `--bounding-set=${["-all", ...WORKER_CAPABILITIES[job].map((name) => `+${name}`)].join(",")}`;

/** What the job "view" becomes: namespaces, no-new-privs and the signal at the daemon's end stay as they are. */
export const innerCommand = (job: InnerJob, ...args: string[]): string[] => [
  "setpriv",
  "--inh-caps=-all",
  boundingSet(job),
  "--",
  ...selfCommand("worker", job, ...args),
];

/** The command line that starts a confined worker. */
export function workerCommand(job: Job | InnerJob, ...args: string[]): string[] {
  return [
    "unshare",
    "--mount",
    // What the host unmounts meanwhile must not stay mounted here.
    "--propagation=slave",
    "--net",
    "--",
    "setpriv",
    "--no-new-privs",
    "--pdeathsig=KILL",
    "--inh-caps=-all",
    boundingSet(job),
    "--",
    ...selfCommand("worker", job, ...args),
  ];
}

/**
 * The environment of a worker: nothing of the daemon's. Most live for a tenth of a second, a third of which JavaScriptCore's
 * threads took for code that ran a few hundred times, and for heap made ready in advance: it compiles later, and makes none.
 */
export const WORKER_ENVIRONMENT = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  BUN_JSC_useWarmUpMarkedBlocks: "0",
  BUN_JSC_thresholdForJITAfterWarmUp: "5000",
};

/**
 * Awaits a worker's end and its report. Errors: what the worker reported, or that it died without a report.
 * @param report the stream that the report comes on, read to its end
 */
export async function workerEnd<T>(
  job: string,
  worker: Subprocess,
  report: Promise<string>,
  signal: AbortSignal | undefined,
  errors: Promise<string> = report,
): Promise<T> {
  const kill = () => worker.kill("SIGKILL");
  signal?.addEventListener("abort", kill);
  try {
    if (signal?.aborted) kill();
    const [said, words] = await Promise.all([report, errors, worker.exited]);
    signal?.throwIfAborted();
    const parsed = parseReport<T>(said);
    if (parsed && "ok" in parsed) return parsed.ok;
    if (parsed) throw new BerthError(parsed.error.kind, parsed.error.message);
    if (worker.signalCode === "SIGXCPU")
      throw invalid(`the archive takes more processor time to ${job} than any of its size should`);
    const end = worker.signalCode
      ? `was killed by ${worker.signalCode}`
      : `ended with status ${worker.exitCode}`;
    const last = words.trim().slice(-2000);
    throw systemError(`the worker for "${job}" ${end}${last ? `: ${last}` : ""}`);
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}

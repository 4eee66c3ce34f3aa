// `docker top`: the host's ps, and of its lines those of the container's processes.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerTopResponse } from "../api/types/index.ts";
import { conflict, invalid, systemError } from "../base/errors.ts";
import { notRunning } from "./kill.ts";
import type { ContainerRecord, Containers } from "./types.ts";

const CGROUPS = "/sys/fs/cgroup";

/** `psArguments` as a person wrote them after the name; "" is -ef. Errors: conflict (not running), system (ps's words). */
export async function top(
  containers: Containers,
  record: ContainerRecord,
  psArguments: string,
): Promise<ContainerTopResponse> {
  const refused = /\s+([^\s]*)=\s*(PID[^\s]*)/.exec(psArguments);
  if (refused && refused[1] !== "pid")
    throw invalid(`specifying "${refused[1]}=${refused[2]}" is not allowed`);
  const { state } = record;
  if (state.status === "restarting")
    throw conflict(`Container ${record.id} is restarting, wait until the container is running`);
  if (state.status !== "running" && state.status !== "paused") throw notRunning(record.id);
  const pids = await cgroupPids(state.pid);
  const output = await runPs((psArguments || "-ef").split(" "), pids);
  const answer = selectLines(output, pids);
  containers.emit(record, "top");
  return answer;
}

async function runPs(args: string[], pids: number[]): Promise<string> {
  // Some options (such as f) can't be used together with q: then without it.
  for (const extra of [[`-q${pids.join(",")}`], []]) {
    const ps = Bun.spawn(["ps", ...args, ...extra], { stdout: "pipe", stderr: "pipe" });
    const [output, complaint, code] = await Promise.all([
      new Response(ps.stdout).text(),
      new Response(ps.stderr).text(),
      ps.exited,
    ]);
    if (code === 0) return output;
    if (extra.length === 0) throw systemError(`ps: ${complaint.split("\n", 1)[0] || `exit status ${code}`}`);
  }
  return "";
}

/** Titles, and the lines whose PID is one of these; a thread's line ("-") goes with the process before it. */
export function selectLines(output: string, pids: readonly number[]): ContainerTopResponse {
  const [head = "", ...lines] = output.split("\n");
  const fieldsOf = (line: string) => line.split(/[\t\n\f\r ]+/).filter((field) => field !== "");
  const titles = fieldsOf(head);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) throw systemError("Couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  const processes: string[][] = [];
  let within = false;
  for (const line of lines) {
    if (line === "") continue;
    const fields = fieldsOf(line);
    const pid = fields[pidColumn];
    if (pid !== "-") within = pid !== undefined && wanted.has(pid);
    if (!within) continue;
    const last = titles.length - 1;
    processes.push([...fields.slice(0, last), fields.slice(last).join(" ")]);
  }
  return { Titles: titles, Processes: processes };
}

/** All processes of the cgroup (and those below it) that a process is in: cgroups(7), /proc/PID/cgroup. */
async function cgroupPids(pid: number): Promise<number[]> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "")).trim().split("\n");
  const unified = lines.find((line) => line.startsWith("0::"))?.slice(3);
  const legacy = lines
    .map((line) => /^\d+:(?:[^:]*,)?(devices|pids|memory)(?:,[^:]*)?:(.*)$/.exec(line))
    .find(Boolean);
  const folder = legacy
    ? join(CGROUPS, legacy[1] as string, legacy[2] as string)
    : join(CGROUPS, unified ?? "/");
  const pids = await pidsBelow(folder);
  return pids.length > 0 ? pids : [pid];
}

async function pidsBelow(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
  const own = text.split("\n").filter(Boolean).map(Number);
  const below = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = below.filter((entry) => entry.isDirectory());
  const nested = await Promise.all(folders.map((entry) => pidsBelow(join(folder, entry.name))));
  return [...own, ...nested.flat()];
}

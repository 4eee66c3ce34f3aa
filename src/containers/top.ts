// `docker top`: the host's ps, and of its lines those of the container's processes.
import type { ContainerTopResponse } from "../api/types/index.ts";
import { conflict, invalid, systemError } from "../base/errors.ts";
import { cgroupProcesses } from "../runtime/index.ts";
import { notRunning } from "./kill.ts";
import type { ContainerRecord, Containers } from "./types.ts";

/** `psArguments` as a person wrote them after the name; "" is -ef. Errors: conflict (not running), system (ps's words). */
export async function top(
  containers: Containers,
  record: ContainerRecord,
  psArguments: string,
  /** The container's control group as config.json names it: its first process may have moved to one below. */
  cgroup: string | undefined,
): Promise<ContainerTopResponse> {
  const refused = /\s+([^\s]*)=\s*(PID[^\s]*)/.exec(psArguments);
  if (refused && refused[1] !== "pid")
    throw invalid(`specifying "${refused[1]}=${refused[2]}" is not allowed`);
  const { state } = record;
  if (state.status === "restarting")
    throw conflict(`Container ${record.id} is restarting, wait until the container is running`);
  if (state.status !== "running" && state.status !== "paused") throw notRunning(record.id);
  const inGroup = cgroup === undefined ? [] : cgroupProcesses(cgroup);
  const pids = inGroup.length > 0 ? inGroup : [state.pid];
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
  return { Processes: processes, Titles: titles };
}

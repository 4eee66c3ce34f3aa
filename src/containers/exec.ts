// Programs started in a container that runs: `docker exec`. An exec is created, started once, inspected; it is kept for
// a while after its end too, since clients ask for its exit code then.
import { randomBytes } from "node:crypto";
import { conflict, invalid, notFound } from "../base/errors.ts";
import { StartFailure } from "../runtime/index.ts";
import type { ProcessSpec, Shim, ShimState } from "../runtime/types.ts";
import { ClientAttachment } from "./attach.ts";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";
import { notRunning } from "./kill.ts";
import { classifyStartError } from "./start-error.ts";
import type {
  Attachment,
  ContainerId,
  ContainerRecord,
  Containers,
  ExecInspect,
  ExecRecord,
  ExecRequest,
} from "./types.ts";

/** Nobody saw its status: its container's shim died, and the container with it. */
const LOST = 137;

/** Errors: conflict (not running, paused), invalid (no command, bad keys). */
export function createExec(
  containers: Containers,
  record: ContainerRecord,
  reference: string,
  request: ExecRequest,
): string {
  refuseInactive(record, reference);
  const cmd = request.Cmd ?? [];
  if (cmd.length === 0) throw invalid("No exec command specified");
  if (request.DetachKeys)
    parseDetachKeys(request.DetachKeys, (text) => `Invalid escape keys (${text}) provided`);
  const exec: ExecRecord = {
    id: randomBytes(32).toString("hex"),
    containerId: record.id,
    config: {
      tty: request.Tty ?? false,
      attachStdin: request.AttachStdin ?? false,
      attachStdout: request.AttachStdout ?? false,
      attachStderr: request.AttachStderr ?? false,
      ...(request.DetachKeys !== undefined && { detachKeys: request.DetachKeys }),
      env: request.Env ?? [],
      cmd,
      privileged: request.Privileged ?? false,
      user: request.User ?? "",
      workingDir: request.WorkingDir ?? "",
      ...(request.ConsoleSize && { consoleSize: request.ConsoleSize }),
    },
    state: "created",
    exitCode: null,
    pid: 0,
  };
  containers.execs.put(exec);
  containers.emit(record, `exec_create: ${commandText(cmd)}`, { execID: exec.id });
  return exec.id;
}

/** As Docker writes it into the event: a space after the command, also when no argument follows. */
export const commandText = ([command = "", ...args]: string[]): string => `${command} ${args.join(" ")}`;

export function findExec(containers: Containers, id: string): ExecRecord {
  const exec = containers.execs.get(id);
  if (!exec || !containers.records.get(exec.containerId)) throw notFound(`No such exec instance: ${id}`);
  return exec;
}

/**
 * Starts it; with streams unless detached. `buildProcess` makes the OCI process (the runtime room's work, with the bundle that
 * the engine knows). Errors: conflict (ran already, container not running), invalid (command not found…).
 */
export async function startExec(
  containers: Containers,
  exec: ExecRecord,
  options: { detach: boolean; consoleSize?: [number, number] },
  buildProcess: (record: ContainerRecord, config: ExecRecord["config"]) => Promise<ProcessSpec>,
): Promise<Attachment | null> {
  const record = containers.records.get(exec.containerId);
  if (!record) throw notFound(`No such exec instance: ${exec.id}`);
  refuseInactive(record, record.id);
  if (exec.state === "exited") throw conflict(`exec command ${exec.id} has already run`);
  if (exec.state === "running") throw conflict(`exec command ${exec.id} is already running`);
  const running = containers.execs.put({ ...exec, state: "running" });
  containers.emit(record, `exec_start: ${commandText(exec.config.cmd)}`, { execID: exec.id });
  const { config } = exec;
  try {
    const shim = containers.shims.get(record.id);
    if (!shim) throw notRunning(record.id);
    const consoleSize = options.consoleSize ?? config.consoleSize;
    const spec = await buildProcess(record, { ...config, ...(consoleSize && { consoleSize }) });
    const attached = !options.detach;
    // First attached, then started: an exec's output that nobody is attached to goes nowhere.
    const stream = attached
      ? await shim.attach({
          exec: exec.id,
          stdin: config.attachStdin,
          stdout: config.attachStdout,
          stderr: config.attachStderr,
        })
      : undefined;
    const started = await shim.exec(exec.id, spec, {
      stdin: attached && config.attachStdin,
      ...(consoleSize && { consoleSize }),
    });
    const ended = watchExec(containers, containers.execs.put({ ...running, pid: started.pid }), shim);
    return stream ? clientOf(containers, record, exec, stream, ended) : null;
  } catch (error) {
    const problem = classifyStartError(error);
    // As moby: 126 for what the daemon refuses, what the runtime refuses has a status of its own.
    finish(containers, running, problem.error instanceof StartFailure ? problem.exitCode : 126);
    throw problem.error;
  }
}

function clientOf(
  containers: Containers,
  record: ContainerRecord,
  exec: ExecRecord,
  stream: Awaited<ReturnType<Shim["attach"]>>,
  ended: Promise<void>,
): Attachment {
  const { config } = exec;
  const keys = scannedKeys(config.detachKeys);
  return new ClientAttachment({
    tty: config.tty,
    past: undefined,
    live: { stream: Promise.resolve(stream), cancel: () => {} },
    scanner: config.attachStdin && config.tty ? new DetachScanner(keys) : undefined,
    takesInput: config.attachStdin,
    endsInput: true,
    onDetach: () => containers.emit(record, "exec_detach", { execID: exec.id }),
    settled: ended,
  });
}

/** Resolves when the status is known. */
async function watchExec(containers: Containers, exec: ExecRecord, shim: Shim): Promise<void> {
  try {
    finish(containers, exec, (await shim.wait(exec.id)).code);
  } catch {
    // When this daemon lets go of the shim, the exec runs on, and the next daemon asks for it.
    if (!(await shim.closed).expected) finish(containers, exec, LOST);
  }
}

export function finish(containers: Containers, exec: ExecRecord, exitCode: number): void {
  const known = containers.execs.get(exec.id);
  const record = containers.records.get(exec.containerId);
  if (!known || !record || known.state === "exited") return;
  containers.execs.put({ ...exec, state: "exited", exitCode });
  containers.emit(record, "exec_die", { execID: exec.id, exitCode: String(exitCode) });
}

/**
 * What became of a container's execs while no daemon ran: `found` as its shim tells it. One that no row is of is a health check
 * that the earlier daemon began: nobody would end it in time, so it is ended now.
 */
export function takeUpExecs(
  containers: Containers,
  id: ContainerId,
  shim: Shim,
  found: ShimState["execs"],
): void {
  for (const { id: known, running } of found)
    if (running && !containers.execs.get(known)) void shim.kill(9, { exec: known }).catch(() => {});
  for (const exec of containers.execs.of(id)) {
    if (exec.state !== "running") continue;
    const now = found.find((known) => known.id === exec.id);
    if (now?.running) void watchExec(containers, { ...exec, pid: now.pid ?? exec.pid }, shim);
    else finish(containers, exec, now?.exit?.code ?? LOST);
  }
}

export function inspectExec(exec: ExecRecord): ExecInspect {
  const { config } = exec;
  const [entrypoint = "", ...rest] = config.cmd;
  return {
    ID: exec.id,
    Running: exec.state === "running",
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: config.tty,
      entrypoint,
      arguments: rest,
      privileged: config.privileged,
      ...(config.user !== "" && { user: config.user }),
    },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: false,
    ContainerID: exec.containerId,
    DetachKeys: config.detachKeys ? Buffer.from(scannedKeys(config.detachKeys)).toString("base64") : "",
    Pid: exec.pid,
  };
}

const scannedKeys = (text: string | undefined): Uint8Array =>
  parseDetachKeys(text, (wrong) => `Invalid escape keys (${wrong}) provided`);

export async function resizeExec(
  containers: Containers,
  exec: ExecRecord,
  rows: number,
  columns: number,
): Promise<void> {
  const shim = containers.shims.get(exec.containerId);
  if (exec.state !== "running" || !shim) throw invalid("exec process is not started");
  if (exec.config.tty) await shim.resize(rows, columns, exec.id);
}

/** Execs that run in a container; null when there are none, as inspect shows it. */
export function execIdsOf(containers: Containers, id: ContainerId): string[] | null {
  const ids = containers.execs
    .of(id)
    .filter(({ state }) => state !== "exited")
    .map((exec) => exec.id);
  return ids.length > 0 ? ids : null;
}

function refuseInactive(record: ContainerRecord, reference: string): void {
  switch (record.state.status) {
    case "running":
      return;
    case "paused":
      throw conflict(`Container ${reference} is paused, unpause the container before exec`);
    case "restarting":
      throw conflict(`Container ${record.id} is restarting, wait until the container is running`);
    default:
      throw notRunning(record.id);
  }
}

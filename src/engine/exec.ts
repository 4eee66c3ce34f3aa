// The use case "run a program in a container": the containers room keeps execs, the runtime room makes their processes.
import {
  type Attachment,
  type ContainerRecord,
  createExec as create,
  type ExecInspect,
  type ExecRecord,
  type ExecRequest,
  findExec,
  inspectExec as inspect,
  resizeExec as resize,
  startExec as start,
} from "../containers/index.ts";
import { buildExecProcess, checkUser, refuseNulBytesInExec, warmCgroupLock } from "../runtime/index.ts";
import type { ProcessSpec } from "../runtime/types.ts";
import { bundleFolder, rootfsFolder } from "./folders.ts";
import { linkEnvironment } from "./links.ts";
import type { Engine } from "./types.ts";

/** Errors: not-found, conflict (not running, paused), invalid (no command, unknown user, a NUL byte). */
export async function createExec(
  engine: Engine,
  reference: string,
  request: ExecRequest,
): Promise<{ Id: string }> {
  const record = engine.containers.find(reference);
  refuseNulBytesInExec(request);
  // The start comes in a moment, over another request.
  warmCgroupLock();
  const running = record.state.status === "running";
  if (running && request.User) await checkUser(rootfsFolder(engine.environment, record.id), request.User);
  return { Id: create(engine.containers, record, reference, request) };
}

/** Detached: resolves with null once the program runs. Else with its streams. */
export function startExec(
  engine: Engine,
  execId: string,
  options: { detach: boolean; tty: boolean; consoleSize?: [number, number] },
): Promise<Attachment | null> {
  const exec = findExec(engine.containers, execId);
  return start(engine.containers, exec, options, (record, config) => execProcessOf(engine, record, config));
}

/** The OCI process of an exec in this container. Errors: invalid (no such user). */
export const execProcessOf = (
  engine: Engine,
  record: ContainerRecord,
  config: ExecRecord["config"],
): Promise<ProcessSpec> =>
  buildExecProcess(
    {
      bundle: bundleFolder(engine.environment, record.id),
      rootfs: rootfsFolder(engine.environment, record.id),
      ...(record.links && { linkEnvironment: linkEnvironment(engine, record, true) }),
      config: record.config,
      hostConfig: record.hostConfig,
      exec: {
        cmd: config.cmd,
        env: config.env,
        user: config.user,
        workingDir: config.workingDir,
        tty: config.tty,
        privileged: config.privileged,
        ...(config.consoleSize && { consoleSize: config.consoleSize }),
      },
    },
    engine.environment,
  );

export async function inspectExec(engine: Engine, execId: string): Promise<ExecInspect> {
  // Of a container that was just removed, too.
  return inspect(engine.containers.execs.get(execId) ?? findExec(engine.containers, execId));
}

export function resizeExec(engine: Engine, execId: string, rows: number, columns: number): Promise<void> {
  return resize(engine.containers, findExec(engine.containers, execId), rows, columns);
}

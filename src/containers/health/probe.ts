// One run of a health check: an exec that nobody asked for. It has the events of one, is seen in inspect while it runs, and is
// forgotten at its end; no row of it is written, since nobody can come back for it.
import { randomBytes } from "node:crypto";
import { systemError } from "../../base/errors.ts";
import type { AttachedStream, ProcessSpec, Shim } from "../../runtime/types.ts";
import { goDuration } from "../durations.ts";
import { commandText, finish } from "../exec.ts";
import { notRunning } from "../kill.ts";
import { classifyStartError } from "../start-error.ts";
import type { ContainerRecord, Containers, ExecRecord } from "../types.ts";
import type { ProbeOutcome } from "./monitors.ts";
import { probeCommand, probeTimeout } from "./rules.ts";

const SIGKILL = 9;
/** Nobody saw its status: it was killed, or its shim died. */
const KILLED = 137;
/** Bytes of output that are kept. */
const OUTPUT_LIMIT = 4096;
/** Milliseconds for a runtime to start the program: not the check's fault, so not part of its time. */
const START_LIMIT = 30_000;
/** Milliseconds for a killed program to be gone; one in an uninterruptible call ends when the kernel lets it. */
const KILL_WAIT = 10_000;

/**
 * Runs the container's check. `started` is called once the program runs. When `signal` aborts, the program is killed, and
 * the result is of no use. Errors: what kept it from being started, in the words of an exec's.
 */
export async function runProbe(
  containers: Containers,
  record: ContainerRecord,
  { signal, started }: { signal: AbortSignal; started: () => void },
  buildProcess: (config: ExecRecord["config"]) => Promise<ProcessSpec>,
): Promise<ProbeOutcome> {
  const shim = containers.shims.get(record.id);
  if (!shim) throw notRunning(record.id);
  const exec = announce(containers, record);
  const starting = start(containers, exec, shim, { signal, buildProcess });
  starting.catch(() => {}); // one that took too long may still fail
  const program = await within(START_LIMIT, starting);
  if (program === "late") {
    // When it comes up after all, nobody waits for it any more.
    void starting.then(({ kill }) => kill()).catch(() => {});
    throw systemError(`timed out starting health check for container ${record.id}`);
  }
  started();
  return outcome(program, probeTimeout(record.config), signal);
}

interface Program {
  output: Output;
  /** Its exit status, when all output was read. */
  ended: Promise<number>;
  kill: () => Promise<void>;
}

async function outcome({ output, ended, kill }: Program, timeout: number, signal: AbortSignal) {
  const abort = () => void kill();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const exitCode = await within(timeout, ended).finally(() => signal.removeEventListener("abort", abort));
  if (exitCode !== "late") return { exitCode, output: output.text() };
  await kill();
  await within(KILL_WAIT, ended);
  const said = output.text();
  return {
    exitCode: -1,
    output: `Health check exceeded timeout (${goDuration(timeout * 1e6)})${said === "" ? "" : `: ${said}`}`,
  };
}

function announce(containers: Containers, record: ContainerRecord): ExecRecord {
  const { config } = record;
  const exec: ExecRecord = {
    id: randomBytes(32).toString("hex"),
    containerId: record.id,
    config: {
      tty: false,
      attachStdin: false,
      attachStdout: true,
      attachStderr: true,
      env: [],
      cmd: probeCommand(config) ?? [],
      privileged: false,
      user: "", // the container's own
      workingDir: config.WorkingDir ?? "",
    },
    state: "running",
    exitCode: null,
    pid: 0,
    probe: true,
  };
  containers.execs.put(exec);
  for (const step of ["exec_create", "exec_start"])
    containers.emit(record, `${step}: ${commandText(exec.config.cmd)}`, { execID: exec.id });
  return exec;
}

async function start(
  containers: Containers,
  exec: ExecRecord,
  shim: Shim,
  {
    signal,
    buildProcess,
  }: { signal: AbortSignal; buildProcess: (config: ExecRecord["config"]) => Promise<ProcessSpec> },
): Promise<Program> {
  let stream: AttachedStream | undefined;
  try {
    const spec = await buildProcess(exec.config);
    stream = await shim.attach({ exec: exec.id, stdin: false, stdout: true, stderr: true });
    signal.throwIfAborted();
    const { pid } = await shim.exec(exec.id, spec, { stdin: false });
    containers.execs.put({ ...exec, pid });
  } catch (error) {
    await stream?.[Symbol.asyncDispose]();
    const problem = classifyStartError(error);
    containers.execs.forget(exec.id);
    throw problem.error;
  }
  const output = new Output();
  const ended = followToEnd(containers, exec, shim, { stream, output });
  return { output, ended, kill: () => shim.kill(SIGKILL, { exec: exec.id }).catch(() => {}) }; // it may have ended
}

async function followToEnd(
  containers: Containers,
  exec: ExecRecord,
  shim: Shim,
  { stream, output }: { stream: AttachedStream; output: Output },
): Promise<number> {
  const reading = output.read(stream).catch(() => {}); // the shim's end ends it
  const exitCode = await shim.wait(exec.id).then(
    ({ code }) => code,
    () => KILLED,
  );
  await reading;
  await stream[Symbol.asyncDispose]();
  finish(containers, exec, exitCode);
  containers.execs.forget(exec.id); // its container may have been removed meanwhile
  return exitCode;
}

/** What a check wrote to both streams, as far as it is kept. */
class Output {
  private readonly bytes = Buffer.alloc(OUTPUT_LIMIT);
  private length = 0;
  private cut = false;

  async read(stream: AttachedStream): Promise<void> {
    for await (const { data } of stream.output) {
      const kept = data.subarray(0, OUTPUT_LIMIT - this.length);
      this.bytes.set(kept, this.length);
      this.length += kept.length;
      this.cut ||= kept.length < data.length;
    }
  }

  text(): string {
    return `${this.bytes.toString("utf8", 0, this.length)}${this.cut ? "..." : ""}`;
  }
}

/** The promise's value, or "late" when it takes longer than so many milliseconds. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | "late"> {
  const { promise, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), Math.min(milliseconds, 2 ** 31 - 1));
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

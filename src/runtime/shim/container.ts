// One container under its shim: its program, its execs, and how they end.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { wallClock } from "../../linux/clock.ts";
import { killProcess, restoreSignal, type WaitStatus } from "../../linux/process.ts";
import { setWindowSize } from "../../linux/terminal.ts";
import { cgroupOomKills, cgroupProcesses, killCgroup, removeCgroup } from "../cgroups.ts";
import type { ExitStatus, ShimState } from "../types.ts";
import { formatTime } from "./log/json-line.ts";
import type { ContainerLog } from "./log/types.ts";
import { ProcessStreams } from "./process-streams.ts";
import type { ShimFailure } from "./protocol.ts";
import {
  ConsoleSocket,
  callRuntime,
  type RuntimeCall,
  type RuntimeDone,
  type RuntimeHost,
} from "./runtime-call.ts";

/** Ends of execs that are still told to a `wait` that comes late; the daemon records each as it comes. */
const REMEMBERED_EXECS = 256;

/** Milliseconds after which an end that nobody asked about is written through to the disk. */
const SYNC_AFTER = 500;
/** Milliseconds that a call of the runtime may still take when its container has ended; most fail at once by themselves. */
const CALLS_AFTER_END = 1000;
const ENDED = "the container has ended";
const SIGKILL = 9;
const SIGTERM = 15;

/** Thrown where a request can't be done now; the client gets it as it is. */
export class Refusal extends Error {
  constructor(
    readonly code: ShimFailure["code"],
    message: string,
    readonly runtime?: string,
  ) {
    super(message);
  }
}

/** The answer to a request that takes its time. */
export interface Answer<R> {
  ok(result: R): void;
  fail(error: Refusal): void;
}

interface Supervised {
  streams: ProcessStreams;
  pid?: number;
  exit?: ExitStatus;
  /** Its runtime was called. */
  launched: boolean;
  /** The exit was told: all output was handed on before. */
  over: boolean;
  waiters: ((exit: ExitStatus) => void)[];
}

let updates = 0;

type Phase = "created" | "starting" | "running" | "paused" | "exited";

export class Container {
  private phase: Phase = "created";
  private startedAt: string | undefined;
  private readonly main: Supervised;
  private readonly execs = new Map<string, Supervised>();
  private readonly ended = new Map<string, ExitStatus>();
  private size: [number, number] | undefined;
  /** Calls of the runtime under way. */
  private readonly calls = new Set<RuntimeCall>();

  constructor(
    private readonly host: RuntimeHost,
    log: ContainerLog,
  ) {
    this.main = supervised(new ProcessStreams(host.reactor, log));
    this.size = host.config.consoleSize;
  }

  get running(): boolean {
    return this.phase === "starting" || this.phase === "running" || this.phase === "paused";
  }

  state(): ShimState {
    const execs: ShimState["execs"] = [];
    for (const [id, { pid, exit }] of this.execs)
      if (pid !== undefined) execs.push({ id, pid, running: exit === undefined, exit });
    for (const [id, exit] of this.ended) execs.push({ id, running: false, exit });
    return {
      phase: this.phase === "starting" ? "created" : this.phase,
      pid: this.phase === "exited" ? undefined : this.main.pid,
      startedAt: this.startedAt,
      exit: this.main.exit,
      execs,
    };
  }

  start(answer: Answer<{ pid: number; startedAt: string }>): void {
    if (this.phase !== "created") throw new Refusal("exists", "the container was started before");
    const { config, folder } = this.host;
    this.phase = "starting";
    const pidFile = `${folder}/init.pid`;
    const args = ["run", "--detach", "--bundle", config.bundle, "--pid-file", pidFile];
    this.launch(
      this.main,
      { args, last: [config.id], pidFile, terminal: config.terminal, stdin: config.stdin, size: this.size },
      (failure, pid) => {
        if (failure !== undefined || pid === undefined) return this.startFailed(failure ?? "no pid", answer);
        this.startedAt = now();
        this.phase = "running";
        answer.ok({ pid, startedAt: this.startedAt });
        this.follow(this.main, pid, (status) => this.mainEnded(status));
      },
    );
  }

  exec(
    id: string,
    /** The process's JSON as the runtime gets it: a limit of 2^64-1 would not survive being parsed. */
    spec: string,
    options: { terminal: boolean; stdin: boolean; size?: [number, number] },
    answer: Answer<{ pid: number }>,
  ): void {
    this.mustRun();
    const known = this.execs.get(id);
    if (known?.launched || this.ended.has(id)) throw new Refusal("exists", `exec ${id} was started before`);
    const exec = known ?? this.expectExec(id);
    const { folder, config } = this.host;
    const files = { spec: `${folder}/exec-${id}.json`, pid: `${folder}/exec-${id}.pid` };
    writeFileSync(files.spec, spec, { mode: 0o600 });
    this.launch(
      exec,
      {
        args: ["exec", "--detach", "--process", files.spec, "--pid-file", files.pid],
        last: [config.id],
        pidFile: files.pid,
        ...options,
      },
      (failure, pid) => {
        rmSync(files.spec, { force: true });
        rmSync(files.pid, { force: true });
        if (failure !== undefined || pid === undefined) {
          this.execs.delete(id);
          answer.fail(new Refusal("runtime", "the runtime could not start the process", failure));
          return;
        }
        answer.ok({ pid });
        this.follow(exec, pid, (status) => this.execEnded(id, exec, status));
      },
    );
  }

  /** The streams to attach to. An exec that isn't known yet is one that will be started under this id. */
  streams(exec?: string): ProcessStreams {
    if (exec === undefined) return this.main.streams;
    if (this.ended.has(exec)) throw new Refusal("not-running", `exec ${exec} has ended`);
    return (this.execs.get(exec) ?? this.expectExec(exec)).streams;
  }

  /** Takes back what `streams` made for an exec that was never started. */
  forgetUnstarted(id: string): void {
    const exec = this.execs.get(id);
    if (exec && !exec.launched) this.execs.delete(id);
  }

  /** A client has no more input: as in Docker, the container's own is over only where it was made for one client. */
  endInput(exec: string | undefined, streams: ProcessStreams | undefined): void {
    if (exec !== undefined || this.host.config.stdinOnce) streams?.closeInput();
  }

  kill(signal: number, options: { exec?: string; all?: boolean }): void {
    if (options.all) {
      this.mustRun();
      for (const pid of cgroupProcesses(this.host.config.cgroupPath)) sendSignal(pid, signal);
      return;
    }
    const { pid, exit } = this.find(options.exec);
    if (pid === undefined || exit) throw new Refusal("not-running", "the process is not running");
    // A child that wasn't reaped keeps its pid, so no stranger can be hit.
    sendSignal(pid, signal);
  }

  resize(rows: number, columns: number, exec?: string): void {
    if (exec === undefined) this.size = [rows, columns];
    const terminal = this.find(exec).streams.terminalFd;
    if (terminal !== undefined) setWindowSize(terminal, rows, columns);
    else if (exec !== undefined || this.phase !== "created")
      throw new Refusal("not-running", "the process has no open terminal");
  }

  /** `pause` and `resume` of the runtime. */
  freeze(verb: "pause" | "resume", answer: Answer<null>): void {
    this.mustRun();
    this.call([verb, this.host.config.id], (failure) => {
      if (failure !== undefined) {
        answer.fail(new Refusal("runtime", `the runtime could not ${verb} the container`, failure));
        return;
      }
      if (this.phase === "running" || this.phase === "paused")
        this.phase = verb === "pause" ? "paused" : "running";
      answer.ok(null);
    });
  }

  /** `update` of the runtime; `resources` is JSON as config.json's `linux.resources` has it, with what changes alone. */
  update(resources: string, answer: Answer<null>): void {
    this.mustRun();
    const file = `${this.host.folder}/update-${++updates}.json`;
    writeFileSync(file, resources, { mode: 0o600 });
    const args = ["update", "--resources", file, this.host.config.id];
    callRuntime(this.host, args, ["null", "null", "null"], (failure) => {
      rmSync(file, { force: true });
      if (failure === undefined) answer.ok(null);
      else answer.fail(new Refusal("runtime", "the runtime could not update the container", failure));
    });
  }

  wait(exec: string | undefined, told: (exit: ExitStatus) => void): void {
    const past = exec === undefined ? undefined : this.ended.get(exec);
    if (past) {
      told(past);
      return;
    }
    const process = this.find(exec);
    if (process.over && process.exit) told(process.exit);
    else process.waiters.push(told);
  }

  /** Takes away what the runtime and the kernel still have of the container. */
  remove(answer: Answer<null>): void {
    if (this.running) throw new Refusal("running", "the container is running");
    this.giveUpCalls();
    if (this.phase === "created" || this.cleanedByHand()) {
      answer.ok(null);
      return;
    }
    this.call(["delete", "--force", this.host.config.id], (failure) => {
      if (failure !== undefined) this.host.complain(`delete: ${failure}`);
      // Whatever it did: its state is in the shim's folder, and goes with it.
      if (removeCgroup(this.host.config.cgroupPath) || failure === undefined) answer.ok(null);
      else answer.fail(new Refusal("runtime", "the runtime could not delete the container", failure));
    });
  }

  /**
   * crun's and runc's `delete` of an ended container without hooks is: remove its control groups, remove its folder of
   * state, which is in ours. Doing it here saves a process on the way of every `run --rm`.
   */
  private cleanedByHand(): boolean {
    const { runtime, cgroupPath, hasHooks } = this.host.config;
    if (hasHooks || cgroupPath.includes(":") || (runtime.name !== "crun" && runtime.name !== "runc"))
      return false;
    return removeCgroup(cgroupPath);
  }

  private launch(
    process: Supervised,
    call: {
      args: string[];
      last: string[];
      pidFile: string;
      terminal: boolean;
      stdin: boolean;
      size?: [number, number];
    },
    done: (failure: string | undefined, pid: number | undefined) => void,
  ): void {
    const { streams } = process;
    process.launched = true;
    const terminal = call.terminal ? new ConsoleSocket(this.host, call.size) : undefined;
    const stdio = terminal ? (["null", "null", "null"] as const) : streams.openPipes(call.stdin);
    const args = [...call.args, ...(terminal ? ["--console-socket", terminal.path] : []), ...call.last];
    this.host.children.expectNewcomer();
    const settled = (failure: string | undefined) => {
      let pid: number | undefined;
      try {
        const master = failure === undefined ? terminal?.receive() : undefined;
        if (master !== undefined) streams.useTerminal(master, call.stdin);
        if (failure === undefined) pid = readPid(call.pidFile, this.host.config.runtime.name);
      } catch (error) {
        failure = (error as Error).message;
      }
      terminal?.close();
      streams.closeChildEnds();
      if (failure !== undefined) {
        streams.abandon();
        this.host.children.expectOrphans();
      }
      done(failure, pid);
      if (failure === undefined) streams.begin();
      this.host.children.newcomerKnown();
    };
    try {
      this.call(args, settled, stdio);
    } catch (error) {
      // No such runtime, no more processes: the same as a runtime that refuses.
      settled(String((error as Error).message));
    }
  }

  private call(
    args: string[],
    done: RuntimeDone,
    stdio: readonly [number | "null", number | "null", number | "null"] = ["null", "null", "null"],
  ): void {
    const call = callRuntime(this.host, args, stdio, (failure) => {
      this.calls.delete(call);
      done(failure);
    });
    this.calls.add(call);
  }

  /** Of an exec, a pause: nothing is there any more to do it to. */
  private giveUpCalls(): void {
    for (const call of [...this.calls]) call.giveUp(ENDED);
  }

  private follow(process: Supervised, pid: number, ended: (status: WaitStatus) => void): void {
    process.pid = pid;
    try {
      this.host.children.track(pid, ended);
    } catch (error) {
      // No such process, or none of ours: nobody will ever tell how it ended.
      this.host.complain(error);
      ended({ pid, code: 128 + SIGKILL, signal: SIGKILL });
    }
  }

  private startFailed(failure: string, answer: Answer<never>): void {
    this.phase = "exited";
    this.main.exit = exitStatus({ pid: 0, code: 128 }, false);
    this.main.over = true;
    // What a failed start left behind is gone before anybody is told, so that a next start finds nothing.
    killCgroup(this.host.config.cgroupPath);
    this.host.children.killStrangers();
    this.call(["delete", "--force", this.host.config.id], () =>
      answer.fail(new Refusal("runtime", "the runtime could not start the container", failure)),
    );
  }

  private mainEnded(status: WaitStatus): void {
    const exit = exitStatus(status, cgroupOomKills(this.host.config.cgroupPath) > 0);
    this.main.exit = exit;
    this.phase = "exited";
    // On record before anything else: whoever is told may be killed the moment after.
    const file = this.record(exit);
    // With the host's process ids (`--pid host`) no namespace's end takes the others along.
    killCgroup(this.host.config.cgroupPath);
    // A host that shuts down need not wait for this process any more: all it knows is on record.
    restoreSignal(SIGTERM);
    this.main.streams.processEnded(() => tell(this.main, exit));
    this.host.reactor.after(CALLS_AFTER_END, () => this.giveUpCalls());
    // Against a power cut: on a busy disk it takes seconds, so never before a `remove` that comes at once.
    this.host.reactor.after(SYNC_AFTER, () => {
      if (file === undefined) return;
      fsyncSync(file);
      closeSync(file);
    });
  }

  /** Undefined where the disk is full: then the end is known as long as this process lives. */
  private record(exit: ExitStatus): number | undefined {
    const path = `${this.host.folder}/exit.json`;
    let file: number | undefined;
    try {
      file = openSync(`${path}.new`, "w", 0o600);
      writeFileSync(file, JSON.stringify(exit));
      renameSync(`${path}.new`, path);
      return file;
    } catch (error) {
      this.host.complain(error);
      if (file !== undefined) closeSync(file);
      return undefined;
    }
  }

  private execEnded(id: string, exec: Supervised, status: WaitStatus): void {
    const exit = exitStatus(status, false);
    exec.exit = exit;
    exec.streams.processEnded(() => {
      this.execs.delete(id);
      this.ended.set(id, exit);
      if (this.ended.size > REMEMBERED_EXECS) this.ended.delete(this.ended.keys().next().value as string);
      tell(exec, exit);
    });
  }

  private expectExec(id: string): Supervised {
    const exec = supervised(new ProcessStreams(this.host.reactor));
    this.execs.set(id, exec);
    return exec;
  }

  private find(exec: string | undefined): Supervised {
    if (exec === undefined) return this.main;
    const found = this.execs.get(exec);
    if (!found)
      throw new Refusal(this.ended.has(exec) ? "not-running" : "not-found", `no running exec ${exec}`);
    return found;
  }

  private mustRun(): void {
    if (this.phase !== "running" && this.phase !== "paused")
      throw new Refusal("not-running", "the container is not running");
  }
}

function supervised(streams: ProcessStreams): Supervised {
  return { streams, launched: false, over: false, waiters: [] };
}

function tell(process: Supervised, exit: ExitStatus): void {
  process.over = true;
  for (const told of process.waiters.splice(0)) told(exit);
}

/** What the runtime wrote. Mind that 0 and negative numbers are groups of processes to kill(2). */
function readPid(file: string, runtime: string): number {
  let text = "";
  try {
    text = readFileSync(file, "utf8").trim();
  } catch {
    // Said below.
  }
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${runtime} ended well, but started no process: its pid file is missing or holds no pid`);
}

function exitStatus(status: WaitStatus, oomKilled: boolean): ExitStatus {
  return {
    code: status.code,
    ...(status.signal === undefined ? {} : { signal: status.signal }),
    oomKilled,
    finishedAt: now(),
  };
}

function now(): string {
  wallClock.read();
  return formatTime(wallClock.seconds, wallClock.nanoseconds);
}

function sendSignal(pid: number, signal: number): void {
  try {
    killProcess(pid, signal);
  } catch (error) {
    throw new Refusal("not-running", (error as Error).message);
  }
}

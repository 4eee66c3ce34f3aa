// The daemon's end of a shim: starts one, finds a running one again, and reads what a dead one left. Any number of
// calls may be under way at a time; each attached stream has a connection of its own.
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  BerthError,
  conflict,
  invalid,
  messageOf,
  notFound,
  systemError,
  unavailable,
} from "../base/errors.ts";
import { log } from "../base/log.ts";
import { selfProcess } from "../base/self.ts";
import { KernelError } from "../linux/errors.ts";
import { toJson } from "./bundle/exact-json.ts";
import { warmCgroupLock } from "./cgroup-lock.ts";
import { killCgroup, removeCgroup, scopeOf } from "./cgroups.ts";
import { liftLimits, withoutLifted } from "./lift-limits.ts";
import { loggingFailure } from "./log-failure.ts";
import { killTree } from "./process-tree.ts";
import { execFailure, startFailure } from "./runtime-errors.ts";
import type { Hello, Reply, ShimFailure, Started } from "./shim/protocol.ts";
import { FRAME, OLDEST_PROTOCOL, PROTOCOL } from "./shim/protocol.ts";
import { openShimSocket, type ShimSocket } from "./shim-socket.ts";
import { attachedStream } from "./shim-stream.ts";
import { enterContainerScope, moveShimAway, systemdRunsHost } from "./systemd/scope.ts";
import type {
  ExitStatus,
  LeftExit,
  ProcessSpec,
  Shim,
  ShimConfig,
  ShimState,
  UpdatedResources,
} from "./types.ts";

/**
 * A shim starts in milliseconds; on a host that boots or swaps, reading the program alone may take half a minute. One
 * that died is seen at once, so this is for one that hangs.
 */
const START_LIMIT = 120_000;
/** A shim answers at once when it only has to send a signal; one that doesn't for so long (milliseconds) is stopped or hangs. */
const KILL_LIMIT = 10_000;
/** For a runtime's `delete` of what has no processes any more: milliseconds. */
const DELETE_LIMIT = 10_000;

/**
 * The shim itself died (kill -9, out of memory): nobody holds the container's output or learns its exit status any
 * more. The daemon answers by `killLeftBehind` and records status 137 with this error's message.
 */
export class ShimDiedError extends BerthError {
  constructor(id: string, options: { cause?: unknown } = {}) {
    super("system", `the shim of container ${id} died, so the container was killed`, options);
  }
}

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
 * small steps.
 */
const SMALL = {
  BUN_JSC_useConcurrentJIT: "0",
  BUN_JSC_useDFGJIT: "0",
  BUN_JSC_thresholdForJITAfterWarmUp: "500000",
  BUN_JSC_thresholdForJITSoon: "500000",
  BUN_JSC_forceMiniVMMode: "1",
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

/** Connects to the shim of an earlier daemon. Errors: unavailable where none answers in `dir` (see readLeftExit). */
export async function connectShim(dir: string): Promise<Shim> {
  let socket: ShimSocket;
  try {
    socket = await openShimSocket(dir);
  } catch (error) {
    throw unavailable(`no shim answers in ${dir}`, error);
  }
  const { hello } = socket;
  if (hello.protocol < OLDEST_PROTOCOL || hello.protocol > PROTOCOL) {
    socket.end();
    throw unavailable(
      `the shim of container ${hello.id} speaks version ${hello.protocol} of the protocol, this daemon ${OLDEST_PROTOCOL} to ${PROTOCOL}`,
    );
  }
  return new ShimClient(dir, socket, hello);
}

/** How the container ended, from `dir`/exit.json; undefined where it did not end under a living shim. */
export function readLeftExit(dir: string): LeftExit {
  const text = read(`${dir}/exit.json`);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as ExitStatus;
  } catch {
    // A power cut came before the file's content was on the disk.
    return undefined;
  }
}

/** The control group of the container whose shim has `dir`, as config.json names it; undefined where no shim was started. */
export function containerCgroup(dir: string): string | undefined {
  const text = read(`${dir}/shim.json`);
  return text === undefined ? undefined : (JSON.parse(text) as ShimConfig).cgroupPath;
}

/**
 * What a dead shim left: kills every process of the container's cgroup, takes the runtime's state and the cgroup
 * away. Also for a shim that is alive but must go. Safe to call again.
 */
export function killLeftBehind(dir: string): Promise<void> {
  // Once for all who want it at the same time: a runtime that is called late would make a folder anew that another has
  // just taken away.
  const going = killing.get(dir) ?? killOnce(dir).finally(() => killing.delete(dir));
  killing.set(dir, going);
  return going;
}

const killing = new Map<string, Promise<void>>();

async function killOnce(dir: string): Promise<void> {
  const config = readConfig(dir);
  if (!config) return;
  const { runtime, cgroupPath } = config;
  await killProcesses(dir, cgroupPath);
  if (config.hasHooks || !PLAIN.has(runtime.name)) await deleteByRuntime(dir, config);
  for (let tries = 0; !removeCgroup(cgroupPath) && tries < 50; tries++) await Bun.sleep(20);
}

/** Undefined where no shim was started: on a full disk the file may be there and cut. */
function readConfig(dir: string): ShimConfig | undefined {
  try {
    return JSON.parse(read(`${dir}/shim.json`) ?? "") as ShimConfig;
  } catch {
    return undefined;
  }
}

/** Their `delete` without hooks does no more than is done here: processes, groups, a folder of state, which is in `dir`. */
const PLAIN = new Set(["crun", "runc"]);

/** The cgroup's processes are gone, so this has nothing to wait for, but some runtimes have more than processes. */
async function deleteByRuntime(dir: string, { runtime, id }: ShimConfig): Promise<void> {
  try {
    const child = Bun.spawn({
      cmd: [runtime.path, ...runtime.args, "--root", `${dir}/state`, "delete", "--force", id],
      stdio: ["ignore", "ignore", "ignore"],
    });
    const limit = setTimeout(() => killTree(child.pid), DELETE_LIMIT);
    await child.exited.finally(() => clearTimeout(limit));
  } catch (error) {
    log.warn("a runtime cannot be called", { runtime: runtime.path, error: messageOf(error) });
  }
}

async function killProcesses(dir: string, cgroupPath: string): Promise<void> {
  const init = Number(read(`${dir}/init.pid`) ?? Number.NaN);
  const shim = Number(read(`${dir}/shim.pid`) ?? Number.NaN);
  if (isShimOf(shim, dir)) kill(shim);
  // A runtime that the shim had called goes on without it, and would bring the container up after all.
  for (let tries = 0; killRuntimeCalls(dir) > 0 && tries < 500; tries++) await Bun.sleep(10);
  // A process that is being killed may take a moment (disk, memory); one that forks meanwhile is met again.
  for (let tries = 0; killCgroup(cgroupPath) > 0 && tries < 500; tries++) await Bun.sleep(10);
  // Where the host's cgroups tell nothing, the init itself, if it still is one that the shim's death orphaned.
  if (read(`/proc/${init}/cgroup`)?.includes(cgroupPath)) kill(init);
}

/** Kills the calls of a runtime on the state below `dir`, and what they forked before it became another program. */
function killRuntimeCalls(dir: string): number {
  const calls = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    // A dead process that nobody has reaped yet has no command line any more.
    return read(`/proc/${name}/cmdline`)?.split("\0").includes(`${dir}/state`);
  });
  for (const pid of calls) killTree(Number(pid));
  return calls.length;
}

/** True when the pid is still that shim and not a later process of the same number. */
function isShimOf(pid: number, dir: string): boolean {
  const command = Number.isInteger(pid) ? read(`/proc/${pid}/cmdline`)?.split("\0") : undefined;
  return command?.includes("shim") === true && command.includes(dir);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

class ShimClient implements Shim {
  readonly id: string;
  readonly pid: number;
  readonly protocol: number;
  readonly features: readonly string[];
  readonly closed: Promise<{ expected: boolean }>;
  private readonly calls = new Map<number, PromiseWithResolvers<unknown>>();
  private lastCall = 0;
  private closing = false;

  constructor(
    private readonly dir: string,
    private readonly socket: ShimSocket,
    hello: Hello,
  ) {
    this.id = hello.id;
    this.pid = hello.pid;
    this.protocol = hello.protocol;
    this.features = hello.features;
    socket.onFrame = (type, payload) => {
      if (type === FRAME.REPLY) this.replied(JSON.parse(payload.toString()) as Reply);
    };
    this.closed = socket.closed.then(() => {
      for (const call of this.calls.values()) call.reject(new ShimDiedError(this.id));
      this.calls.clear();
      return { expected: this.closing };
    });
  }

  private replied({ id, result, error }: Reply): void {
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (error) call?.reject(failure(error));
    else call?.resolve(result);
  }

  private call<R>(method: string, params: Record<string, unknown> = {}): Promise<R> {
    if (this.socket.isClosed) return Promise.reject(new ShimDiedError(this.id));
    const id = ++this.lastCall;
    const call = Promise.withResolvers<unknown>();
    this.calls.set(id, call);
    this.socket.sendMessage({ id, method, params });
    return call.promise as Promise<R>;
  }

  state(): Promise<ShimState> {
    return this.call("state");
  }

  async start(): Promise<{ pid: number; startedAt: string }> {
    try {
      return await this.call<{ pid: number; startedAt: string }>("start");
    } catch (error) {
      if (!(error instanceof RuntimeRefusal)) throw error;
      const config = JSON.parse(read(`${this.dir}/shim.json`) ?? "{}") as Partial<ShimConfig>;
      const bundle = JSON.parse(read(`${config.bundle}/config.json`) ?? "{}") as { process?: ProcessSpec };
      throw startFailure(error.said, bundle.process?.args?.[0] ?? "");
    }
  }

  async attach(options: { exec?: string; stdin: boolean; stdout: boolean; stderr: boolean }) {
    if (options.exec !== undefined) warmCgroupLock();
    return attachedStream(await openShimSocket(this.dir), options, failure);
  }

  async exec(id: string, spec: ProcessSpec, options: { stdin: boolean; consoleSize?: [number, number] }) {
    const { args, env, cwd, user, terminal, oci } = spec;
    const process = toJson({ ...oci, args, env, cwd, user, terminal });
    try {
      return await this.call<{ pid: number }>("exec", { exec: id, process, terminal, ...options });
    } catch (error) {
      if (error instanceof RuntimeRefusal) throw execFailure(error.said, args[0] ?? "");
      throw error;
    }
  }

  async kill(signal: number, options: { exec?: string; all?: boolean } = {}): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(unavailable(`the shim of container ${this.id} does not answer`)),
        KILL_LIMIT,
      );
    });
    await Promise.race([this.call("kill", { signal, ...options }), silence]).finally(() =>
      clearTimeout(timer),
    );
  }

  async pause(): Promise<void> {
    await this.call("pause");
  }

  async resume(): Promise<void> {
    await this.call("resume");
  }

  async update(resources: UpdatedResources): Promise<void> {
    if (!this.features.includes("update"))
      throw unavailable(
        "its shim is of an older release, which can't change limits: restart the container, or change only its restart policy",
      );
    const { runtime, cgroupPath } = JSON.parse(read(`${this.dir}/shim.json`) ?? "{}") as ShimConfig;
    const crun = runtime.path.endsWith("/crun") ? withoutLifted(resources) : undefined;
    const said = crun?.said ?? resources;
    try {
      if (Object.keys(said).length > 0) await this.call("update", { resources: JSON.stringify(said) });
      if (crun) liftLimits(cgroupPath, crun.lifted);
    } catch (error) {
      if (!(error instanceof RuntimeRefusal)) throw error;
      throw systemError(
        `${runtime.name} did not terminate successfully: exit status 1: ${error.said}`,
        error,
      );
    }
  }

  async resize(rows: number, columns: number, exec?: string): Promise<void> {
    await this.call("resize", { rows, columns, exec });
  }

  async wait(exec?: string): Promise<ExitStatus> {
    try {
      return await this.call<ExitStatus>("wait", { exec });
    } catch (error) {
      // A shim that died right after its container still left the truth.
      const left = error instanceof ShimDiedError && exec === undefined ? readLeftExit(this.dir) : undefined;
      if (left) return left;
      throw error;
    }
  }

  async remove(): Promise<void> {
    this.closing = true;
    try {
      await this.call("remove");
    } catch (error) {
      this.closing = false;
      if (!(error instanceof ShimDiedError)) throw error;
      // It ended, perhaps at this very word: a connection that is closed with a request in it that nobody read (an exec's, sent
      // after this one) loses the answer. So what it may not have taken away any more is.
      await killLeftBehind(this.dir);
      return;
    }
    await this.socket.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing = true;
    this.socket.end();
    await this.socket.closed;
  }
}

/** A runtime said no; start and exec put its words into Docker's form. */
class RuntimeRefusal extends BerthError {
  constructor(
    message: string,
    readonly said: string,
  ) {
    super("system", `${message}: ${said}`);
  }
}

/** A shim's refusal as an error for people. */
function failure({ code, message, runtime }: ShimFailure): BerthError {
  if (runtime !== undefined) return new RuntimeRefusal(message, runtime);
  switch (code) {
    case "not-running":
    case "running":
    case "exists":
      return conflict(message);
    case "not-found":
      return notFound(message);
    case "invalid":
      return invalid(message);
    default:
      return systemError(message);
  }
}

// The daemon's end of a shim: finds a running one, and talks to it. Any number of calls may be under way at a time; each
// attached stream has a connection of its own.
import { systemError, unavailable } from "../../base/errors.ts";
import { toJson } from "../bundle/exact-json.ts";
import { warmCgroupLock } from "../cgroup-lock.ts";
import { liftLimits, withoutLifted } from "../lift-limits.ts";
import { execFailure, startFailure } from "../runtime-errors.ts";
import type { Hello, Reply } from "../shim/protocol.ts";
import { FRAME, OLDEST_PROTOCOL, PROTOCOL } from "../shim/protocol.ts";
import type {
  ExitStatus,
  ProcessSpec,
  ReservedPort,
  Shim,
  ShimConfig,
  ShimState,
  UpdatedResources,
} from "../types.ts";
import { failure, RuntimeRefusal, ShimDiedError } from "./failures.ts";
import { killLeftBehind, readLeftExit } from "./left-behind.ts";
import { read } from "./read-file.ts";
import { openShimSocket, type ShimSocket } from "./socket.ts";
import { attachedStream } from "./stream.ts";

/** A shim answers at once when it only has to send a signal; one that doesn't for so long (milliseconds) is stopped or hangs. */
const KILL_LIMIT = 10_000;
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

  async keepPorts(ports: readonly ReservedPort[]): Promise<void> {
    // One of an older release keeps what it was started with.
    if (this.features.includes("forward-ports")) await this.call("ports", { ports });
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

// Calls of the OCI runtime, each a short-lived process whose log is read when it failed.
import { readFileSync, rmSync } from "node:fs";
import { close } from "../../linux/ffi.ts";
import { spawnWithoutMount } from "../../linux/mount-view.ts";
import { openNullReadOnly } from "../../linux/null-device.ts";
import { prepareSpawn } from "../../linux/process.ts";
import { acceptConnection, listenUnix, receiveDescriptor, shortPath } from "../../linux/socket.ts";
import { setWindowSize } from "../../linux/terminal.ts";
import { killTree } from "../process-tree.ts";
import type { ShimConfig } from "../types.ts";
import type { Children } from "./children.ts";
import { READ, type Reactor } from "./reactor.ts";

/**
 * A runtime that takes longer hangs, and is killed: milliseconds. Pulling up a container on a loaded host takes seconds,
 * with hooks more.
 */
const CALL_LIMIT = 120_000;
/** The same for a `delete`, which others wait for: the container's processes are gone by then. */
const DELETE_LIMIT = 10_000;

export interface RuntimeHost {
  reactor: Reactor;
  children: Children;
  /** The shim's folder, and its descriptor for paths that fit into a socket's address. */
  folder: string;
  folderFd: number;
  config: ShimConfig;
  /** A line in the shim's own log. */
  complain(error: unknown): void;
}

/** A runtime's answer: undefined where it did what was asked, else what it said. */
export type RuntimeDone = (failure: string | undefined) => void;

let calls = 0;

let nothingFd = -1;
/** What "null" is for a runtime and for the process that it starts. */
function nothing(): number {
  if (nothingFd < 0) nothingFd = openNullReadOnly();
  return nothingFd;
}

/** A call under way. */
export interface RuntimeCall {
  /** Kills the runtime and all that it started, and tells `done` why. Nothing happens when it has ended. */
  giveUp(failure: string): void;
}

/** Starts `runtime [global options] args…`; `done` is called once, when it has ended or was given up. */
export function callRuntime(
  host: RuntimeHost,
  args: string[],
  stdio: readonly [number | "null", number | "null", number | "null"],
  done: RuntimeDone,
): RuntimeCall {
  const { runtime, cgroupPath } = host.config;
  const log = `${host.folder}/call-${++calls}.log`;
  // What crun can't write there it writes to the container's standard error, in this format.
  const format = runtime.path.endsWith("/crun") ? "text" : "json";
  const options = [...runtime.args, "--root", `${host.folder}/state`, "--log", log, "--log-format", format];
  if (cgroupPath.includes(":")) options.push("--systemd-cgroup");
  const prepared = prepareSpawn({
    path: runtime.path,
    args: [...options, ...args],
    env: [`PATH=${process.env.PATH ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}`],
    stdio: stdio.map((fd) => (fd === "null" ? nothing() : fd)) as [number, number, number],
  });
  const pid = runtime.hideUnifiedCgroup
    ? spawnWithoutMount("/sys/fs/cgroup/unified", prepared)
    : prepared.finish(prepared.start());
  let over = false;
  const end = (failure: string | undefined) => {
    over = true;
    host.reactor.cancel(limit);
    rmSync(log, { force: true });
    done(failure);
  };
  const call: RuntimeCall = {
    giveUp(failure) {
      if (over) return;
      killTree(pid);
      end(failure);
    },
  };
  const milliseconds = host.config.callLimit ?? (args[0] === "delete" ? DELETE_LIMIT : CALL_LIMIT);
  const limit = host.reactor.after(milliseconds, () =>
    call.giveUp(`${runtime.name} did not answer for ${milliseconds / 1000} seconds`),
  );
  host.children.track(pid, ({ code }) => {
    if (over) return;
    end(
      code === 0
        ? undefined
        : (lastError(log) ?? `${runtime.name} ended with status ${code} and said nothing`),
    );
  });
  return call;
}

/** The last error in a runtime's log: lines of JSON, or lines of text as they are. */
function lastError(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  let last: string | undefined;
  for (const line of text.split("\n")) last = errorOf(line) ?? last;
  return last;
}

function errorOf(line: string): string | undefined {
  if (!line.startsWith("{")) return line.trim() || undefined;
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return level === "error" && typeof msg === "string" ? msg : undefined;
  } catch {
    return undefined;
  }
}

/** Where a runtime hands over the terminal's master (`--console-socket`). */
export class ConsoleSocket {
  private readonly name = `console-${++calls}`;
  private readonly listener: number;
  private connection = -1;
  private master: number | undefined;

  /** @param size is given to the terminal at once: the program may ask for it as soon as it runs */
  constructor(
    private readonly host: RuntimeHost,
    private readonly size: [rows: number, columns: number] | undefined,
  ) {
    this.listener = listenUnix(host.folderFd, this.name, 1);
    host.reactor.watch(this.listener, READ, () => this.accept());
  }

  /** As the runtime's process can open it, however deep the shim's folder is. */
  get path(): string {
    return shortPath(this.host.folderFd, this.name, process.pid);
  }

  private accept(): void {
    if (this.connection >= 0) return;
    this.connection = acceptConnection(this.listener);
    if (this.connection >= 0) this.host.reactor.watch(this.connection, READ, () => this.take());
  }

  private take(): void {
    if (this.connection < 0 || this.master !== undefined) return;
    this.master = receiveDescriptor(this.connection);
    this.host.reactor.forget(this.connection);
    if (this.master !== undefined && this.size) setWindowSize(this.master, this.size[0], this.size[1]);
  }

  /** The master, after the runtime said that it started the process. */
  receive(): number | undefined {
    this.accept();
    this.take();
    return this.master;
  }

  close(): void {
    this.host.reactor.forget(this.listener);
    close(this.listener);
    if (this.connection >= 0) {
      this.host.reactor.forget(this.connection);
      close(this.connection);
    }
    rmSync(`${this.host.folder}/${this.name}`, { force: true });
  }
}

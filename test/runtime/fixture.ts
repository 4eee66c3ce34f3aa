// A container by hand for tests of the shim: busybox as its root, the smallest config.json, a folder of its own.
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { killLeftBehind, startShim } from "../../src/runtime/index.ts";
import type { ProcessSpec, Shim, ShimConfig } from "../../src/runtime/types.ts";
import { hostRuntime } from "./host-runtime.ts";

export interface Bundle extends AsyncDisposable {
  /** The shim's folder. */
  dir: string;
  /** Where log and spills are. */
  logs: string;
  logPath: string;
  rootfs: string;
  id: string;
  config: ShimConfig;
  start(): Promise<Shim>;
}

export interface BundleOptions {
  args: string[];
  terminal?: boolean;
  stdin?: boolean;
  stdinOnce?: boolean;
  memory?: number;
  cwd?: string;
  /** Instead of json-file; a path is filled in. */
  log?: (path: string) => ShimConfig["log"];
  reservePorts?: ShimConfig["reservePorts"];
  consoleSize?: [number, number];
  runtime?: ShimConfig["runtime"];
  /** Shares the host's process ids. */
  hostPids?: boolean;
  /** Temp root, when it has to be somewhere. */
  below?: string;
}

const APPLETS = [
  "sh",
  "true",
  "false",
  "cat",
  "echo",
  "sleep",
  "head",
  "yes",
  "dd",
  "wc",
  "stty",
  "kill",
  "printf",
];

/** Makes root, bundle and folders below /var/tmp, and takes all away again, whatever became of the container. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const base = await mkdtemp(`${options.below ?? "/var/tmp"}/berth-test-`);
  const id = `t${crypto.randomUUID().replaceAll("-", "")}`;
  const [dir, logs, rootfs] = [`${base}/shim`, `${base}/logs`, `${base}/rootfs`];
  for (const folder of [dir, logs, `${rootfs}/bin`, `${rootfs}/proc`, `${rootfs}/dev`, `${rootfs}/tmp`])
    await mkdir(folder, { recursive: true });
  await cp("/bin/busybox", `${rootfs}/bin/busybox`);
  for (const applet of APPLETS) await symlink("busybox", `${rootfs}/bin/${applet}`);
  const cgroupPath = `/berth-test-${id}`;
  await writeFile(`${dir}/config.json`, JSON.stringify(spec(rootfs, cgroupPath, options)));
  const logPath = `${logs}/container.log`;
  const config: ShimConfig = {
    protocol: 1,
    id,
    bundle: dir,
    runtime: options.runtime ?? hostRuntime(),
    terminal: options.terminal ?? false,
    stdin: options.stdin ?? false,
    stdinOnce: options.stdinOnce ?? false,
    consoleSize: options.consoleSize,
    log: options.log?.(logPath) ?? { driver: "json-file", path: logPath, maxFiles: 1, compress: false },
    spillFolder: logs,
    reservePorts: options.reservePorts ?? [],
    cgroupPath,
  };
  return {
    dir,
    logs,
    logPath,
    rootfs,
    id,
    config,
    start: () => startShim(dir, config),
    async [Symbol.asyncDispose]() {
      await killLeftBehind(dir);
      await rm(base, { recursive: true, force: true });
    },
  };
}

function spec(rootfs: string, cgroupsPath: string, options: BundleOptions) {
  const size = options.consoleSize;
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: options.terminal ?? false,
      ...(size && { consoleSize: { height: size[0], width: size[1] } }),
      user: { uid: 0, gid: 0 },
      args: options.args,
      env: ["PATH=/bin", "TERM=xterm"],
      cwd: options.cwd ?? "/",
      capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
    },
    root: { path: rootfs },
    hostname: "test",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["newinstance", "ptmxmode=0666"],
      },
    ],
    linux: {
      cgroupsPath,
      resources: options.memory ? { memory: { limit: options.memory, swap: options.memory } } : {},
      namespaces: [...(options.hostPids ? [] : ["pid"]), "ipc", "uts", "mount"].map((type) => ({ type })),
    },
  };
}

/** A process for an exec. */
export function execSpec(args: string[], options: { terminal?: boolean; cwd?: string } = {}): ProcessSpec {
  return {
    args,
    env: ["PATH=/bin", "TERM=xterm"],
    cwd: options.cwd ?? "/",
    user: { uid: 0, gid: 0, additionalGids: [] },
    terminal: options.terminal ?? false,
    privileged: false,
    oci: {},
  };
}

/** Private memory of a process in kilobytes: proc_pid_smaps_rollup(5). */
export function privateMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(text)?.[1]);
}

/** Waits until a process is no more (or only a zombie of somebody's). */
export async function gone(pid: number): Promise<void> {
  const until = Date.now() + 5000;
  const state = () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
    } catch {
      return undefined;
    }
  };
  while (state() !== undefined && state() !== "Z") {
    if (Date.now() > until) throw new Error(`process ${pid} is still there`);
    await Bun.sleep(5);
  }
}

/** All that a stream gives until its end, by stream. */
export async function collect(output: AsyncIterable<{ stream: "stdout" | "stderr"; data: Uint8Array }>) {
  const texts = { stdout: "", stderr: "" };
  for await (const { stream, data } of output) texts[stream] += Buffer.from(data).toString("latin1");
  return texts;
}

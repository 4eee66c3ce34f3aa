// The use case "run a step of a build": a process in a container's isolation over a tree of the builder's, with a network of its own. It
// crosses networks and runtime; nothing of it is a container's: no row, no log, no name.
//
// A daemon that is killed meanwhile leaves what the next start takes away as of a container that no row names (recovery.ts):
// the bundle's folder tells of the shim, the sandbox's row of the network, the scratch folder of the mounts.
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostConfig } from "../api/types/index.ts";
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { StepEnd, StepRequest } from "../builder/types.ts";
import { NetMode, SecurityMode } from "../buildkit/messages/ops_pb.ts";
import type { RealisedSandbox } from "../networks/types.ts";
import {
  cgroupsPath,
  killLeftBehind,
  StartFailure,
  selectRuntime,
  startShim,
  takesFilter,
  validateHostConfig,
  writeBundle,
} from "../runtime/index.ts";
import type { Shim } from "../runtime/types.ts";
import { bundleFolder } from "./folders.ts";
import { mountStubs } from "./mount-stubs.ts";
import type { Engine } from "./types.ts";

const HOSTNAME = "buildkitsandbox";
/** Milliseconds for a shim that has nothing left to do. */
const LEAVE_LIMIT = 15_000;

/** Runs the process to its end. Errors: what stood in the way of its start; the signal's reason. */
export async function runBuildStep(engine: Engine, request: StepRequest): Promise<StepEnd> {
  const id = randomBytes(32).toString("hex");
  const bundle = bundleFolder(engine.environment, id);
  await using undo = new AsyncDisposableStack();
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  undo.defer(() => rmSync(bundle, { recursive: true, force: true }));
  const { config, hostConfig } = settingsOf(engine, request);
  const runtime = selectRuntime({
    defaultRuntime: engine.config.defaultRuntime,
    runtimes: engine.config.runtimes,
    environment: engine.environment,
  });
  const spawning = spawn(engine, id, bundle, runtime, hostConfig, undo);
  const sandbox = await realiseNetwork(engine, id, request, undo);
  const files = await writeFiles(bundle, request, sandbox);
  undo.use(
    mountStubs(request.rootfs, [
      ...request.mounts.map(({ destination }) => destination),
      ...Object.keys(files),
    ]),
  );
  await writeBundle(bundle, {
    id,
    name: `build-${id.slice(0, 12)}`,
    config,
    hostConfig,
    rootfs: request.rootfs,
    mounts: [...request.mounts, ...ownFiles(files)].map((mount) =>
      mount.type === "bind"
        ? {
            type: "bind",
            source: mount.source,
            destination: mount.destination,
            options: ["rbind", "rprivate", mount.readOnly ? "ro" : "rw"],
          }
        : {
            type: "tmpfs",
            source: "tmpfs",
            destination: mount.destination,
            // As BuildKit's: compilers and configure scripts run what they make there.
            options: ["nosuid", "dev", "exec", ...(mount.size > 0 ? [`size=${mount.size}`] : [])],
          },
    ),
    files: {},
    hostname: config.Hostname,
    networkNamespace: sandbox.namespace,
    joinedNamespaces: {},
    sysctls: sandbox.sysctls,
    environment: engine.environment,
    defaults: engine.runtimeDefaults,
    takesFilter: takesFilter(runtime),
  });
  return await runIn(await spawning, request);
}

async function spawn(
  engine: Engine,
  id: string,
  bundle: string,
  runtime: ReturnType<typeof selectRuntime>,
  hostConfig: HostConfig,
  undo: AsyncDisposableStack,
): Promise<Shim> {
  const starting = startShim(bundle, {
    protocol: 1,
    id,
    bundle,
    runtime,
    terminal: false,
    stdin: false,
    stdinOnce: false,
    log: { driver: "none" },
    spillFolder: bundle,
    reservePorts: [],
    cgroupPath: cgroupsPath({
      id,
      hostConfig,
      environment: engine.environment,
      defaults: engine.runtimeDefaults,
    }),
  });
  starting.catch(() => {}); // Awaited when the rest is ready
  undo.defer(async () => {
    const shim = await starting.catch(() => undefined);
    const gone =
      shim &&
      (await Promise.race([
        shim.remove().then(
          () => true,
          () => false,
        ),
        Bun.sleep(LEAVE_LIMIT),
      ]));
    if (!gone) await killLeftBehind(bundle);
    await shim?.[Symbol.asyncDispose]();
  });
  return await starting;
}

/** How crun tells, in the place of the process, that the kernel can't run its program; runc says what follows in its own words. */
const CRUN_REFUSAL = /^exec container process `([^`]*)`: Exec format error\s*$/;
const RUNC_REFUSAL = /^exec .*: exec format error\s*$/;
/** runc's exit status then. */
const REFUSED = 255;

async function runIn(shim: Shim, request: StepRequest): Promise<StepEnd> {
  const stop = () =>
    void shim.kill(9, { all: true }).catch((error: unknown) => {
      log.debug("a step that is given up has ended already", { error: messageOf(error) });
    });
  request.signal.throwIfAborted();
  await using stream = await shim.attach({ stdin: false, stdout: true, stderr: true });
  let wrongFormat = false;
  const output = (async () => {
    for await (const { stream: name, data } of stream.output) {
      const said = inRuncsWords(data);
      wrongFormat = said !== undefined;
      request.output(name === "stdout" ? 1 : 2, said ?? data);
    }
  })();
  try {
    await shim.start();
  } catch (thrown) {
    if (!(thrown instanceof StartFailure)) throw thrown;
    return neverRan(thrown, request);
  }
  request.signal.addEventListener("abort", stop, { once: true });
  try {
    if (request.signal.aborted) stop();
    const exit = await shim.wait();
    await output.catch(() => {});
    request.signal.throwIfAborted();
    const refused = wrongFormat && exit.code !== 0;
    return { code: refused ? REFUSED : exit.code, oomKilled: exit.oomKilled, wrongFormat: refused };
  } finally {
    request.signal.removeEventListener("abort", stop);
  }
}

/** For a build it is a step that failed: with BuildKit runc's words are the step's output, and its status the step's. */
function neverRan({ message }: StartFailure, request: StepRequest): StepEnd {
  const reason = message.replace(/^.*?runc create failed: /s, "runc run failed: ");
  request.output(2, Buffer.from(`${reason}\n`));
  return { code: 1, oomKilled: false, wrongFormat: false };
}

/** Undefined: it is the process's own output. */
function inRuncsWords(data: Uint8Array): Uint8Array | undefined {
  if (data.length > 1024) return undefined;
  const text = Buffer.from(data).toString();
  const [, program] = CRUN_REFUSAL.exec(text) ?? [];
  if (program !== undefined) return Buffer.from(`exec ${program}: exec format error\n`);
  return RUNC_REFUSAL.test(text) ? data : undefined;
}

/** The process as a container's settings. Errors: invalid. */
function settingsOf(engine: Engine, { meta, network, security, resources }: StepRequest) {
  const config = {
    Cmd: meta.args,
    // A name alone takes away what a container has by default and a build step hasn't, with BuildKit.
    Env: ["HOSTNAME", ...meta.env],
    WorkingDir: meta.cwd || "/",
    User: meta.user,
    Hostname: meta.hostname || HOSTNAME,
  };
  const ulimits = meta.ulimit.map(({ name, soft, hard }) => ({
    Name: name,
    Soft: Number(soft),
    Hard: Number(hard),
  }));
  const asked: HostConfig = {
    NetworkMode: modeOf(network, engine),
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    Privileged: security === SecurityMode.INSECURE,
    Init: false,
    ...(resources.shmSize && { ShmSize: resources.shmSize }),
    ...(resources.memory && { Memory: resources.memory }),
    ...(resources.memorySwap && { MemorySwap: resources.memorySwap }),
    ...(resources.cpuShares && { CpuShares: resources.cpuShares }),
    ...(resources.cpuPeriod && { CpuPeriod: resources.cpuPeriod }),
    ...(resources.cpuQuota && { CpuQuota: resources.cpuQuota }),
    ...(resources.cpusetCpus && { CpusetCpus: resources.cpusetCpus }),
    ...(resources.cpusetMems && { CpusetMems: resources.cpusetMems }),
    ...(meta.cgroupParent && { CgroupParent: meta.cgroupParent }),
    Ulimits: [...ulimits, ...(resources.ulimits ?? [])],
  };
  const { hostConfig } = validateHostConfig(config, asked, engine.environment, engine.runtimeDefaults);
  return { config, hostConfig };
}

function modeOf(network: NetMode, { config }: Engine): string {
  if (network === NetMode.HOST) return "host";
  return network === NetMode.NONE || config.bridge === "none" ? "none" : "bridge";
}

async function realiseNetwork(
  engine: Engine,
  id: string,
  { meta, network }: StepRequest,
  undo: AsyncDisposableStack,
): Promise<RealisedSandbox> {
  undo.defer(() => engine.networks.release(id));
  await engine.networks.allocate({
    containerId: id,
    containerName: `build-${id.slice(0, 12)}`,
    networkMode: modeOf(network, engine),
    portBindings: {},
    exposedPorts: [],
    publishAll: false,
    hostname: meta.hostname || HOSTNAME,
    extraHosts: meta.extraHosts.map(({ host, ip }) => `${host}:${ip}`),
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
  });
  return await engine.networks.realise(id);
}

/** What a step writes to them would be gone with it: so it can't, as with BuildKit. */
const ownFiles = (files: Record<string, string>) =>
  Object.entries(files).map(([destination, source]) => ({
    type: "bind" as const,
    source,
    destination,
    readOnly: true,
  }));

/** By their places in the step. */
async function writeFiles(
  bundle: string,
  { mounts }: StepRequest,
  { hosts, resolvConf }: RealisedSandbox,
): Promise<Record<string, string>> {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const files: Record<string, string> = {};
  for (const [place, content] of [
    ["/etc/hosts", hosts],
    ["/etc/resolv.conf", resolvConf],
  ] as const) {
    if (taken.has(place)) continue;
    const path = join(bundle, place.slice("/etc/".length));
    await writeFile(path, content, { mode: 0o644 });
    files[place] = path;
  }
  return files;
}

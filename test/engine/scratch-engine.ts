// An engine of a test's own: scratch roots, a bridge with a name of its own, a small image made of the host's busybox.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startEngine, stopEngine } from "../../src/engine/index.ts";
import type { CreateRequest, DaemonConfig, Engine } from "../../src/engine/types.ts";
import { busyboxArchive } from "../fixtures/busybox.ts";

export const IMAGE = "test-busybox:1";

export interface ScratchEngine extends AsyncDisposable {
  engine: Engine;
  root: string;
  config: DaemonConfig;
  /** Lets go as a daemon that ends does, and starts another one on the same roots. */
  restart(): Promise<void>;
}

/** Makes everything below one folder, and takes it away again whatever became of the test. */
export async function scratchEngine(overrides: Partial<DaemonConfig> = {}): Promise<ScratchEngine> {
  const root = scratchRoot();
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rmSync(root, { recursive: true, force: true }));
  const config = { ...scratchConfig(root), ...overrides };
  const engine = await startEngine(config);
  undo.defer(() => stopEngine(engine));
  const scratch = {
    engine,
    root,
    config,
    async restart() {
      await stopEngine(scratch.engine);
      scratch.engine = await startEngine(config);
    },
    async [Symbol.asyncDispose]() {
      await removeEverything(scratch.engine);
      await stopEngine(scratch.engine);
      rmSync(root, { recursive: true, force: true });
    },
  };
  await importBusybox(engine);
  undo.move();
  return scratch;
}

export const scratchRoot = (): string => mkdtempSync("/var/tmp/berth-test-");

/** dockerd's defaults, on roots below `root`. */
export function scratchConfig(root: string): DaemonConfig {
  const tag = Math.random().toString(36).slice(2, 8);
  return {
    hosts: [],
    dataRoot: join(root, "data"),
    execRoot: join(root, "exec"),
    pidfile: join(root, "berth.pid"),
    debug: false,
    logLevel: "warn",
    logFormat: "text",
    group: "",
    bridge: `bt${tag}`,
    ipv6: false,
    defaultAddressPools: [],
    mtu: 1500,
    icc: true,
    ipForward: true,
    ipMasq: true,
    nftables: true,
    userlandProxy: true,
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
    defaultRuntime: "",
    runtimes: {},
    logDriver: "json-file",
    logOptions: {},
    defaultUlimits: {},
    defaultShmSize: 64 * 1024 * 1024,
    execOptions: [],
    seccompProfile: "builtin",
    noNewPrivileges: false,
    labels: [],
    insecureRegistries: [],
    registryMirrors: [],
    maxConcurrentDownloads: 3,
    maxConcurrentUploads: 5,
    maxDownloadAttempts: 5,
    shutdownTimeout: 15,
    tls: { enabled: false, verify: false },
    allowInsecureTcp: false,
    features: {},
    cdiSpecDirs: [],
    pluginDirs: [],
    builder: {
      entitlements: [],
      cacheBounds: { defaults: { reservedSpace: 0, maxUsedSpace: 0, minFreeSpace: 0 } },
    },
  };
}

let busybox: Uint8Array<ArrayBuffer> | undefined;

export async function importBusybox(engine: Engine): Promise<void> {
  // Made once for all the engines of a file: the tree has three hundred names.
  busybox ??= new Uint8Array(busyboxArchive());
  await engine.images.import(new Blob([busybox]).stream(), {
    reference: IMAGE,
    changes: ["ENV PATH=/bin", 'CMD ["sh"]'],
    progress: () => {},
  });
}

/** Whatever containers a test left. */
export async function removeEverything(engine: Engine): Promise<void> {
  const { removeContainer } = await import("../../src/engine/index.ts");
  for (const { id } of engine.containers.all())
    await removeContainer(engine, id, { force: true, volumes: true }).catch(() => {});
  await engine.background.idle();
}

/** A request as `docker create IMAGE COMMAND…` makes it. */
export function request(cmd: string[], parts: Partial<CreateRequest> = {}): CreateRequest {
  return {
    ...parts,
    config: { Image: IMAGE, Cmd: cmd, AttachStdout: true, AttachStderr: true, ...parts.config },
    hostConfig: { NetworkMode: "default", ...parts.hostConfig },
  };
}

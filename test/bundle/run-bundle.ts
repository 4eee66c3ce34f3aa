// Runs a bundle as writeBundle wrote it, straight through an OCI runtime, and gives what it printed.
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig, HostConfig } from "../../src/api/types/index.ts";
import { toJson } from "../../src/runtime/bundle/exact-json.ts";
import {
  buildExecProcess,
  cgroupFolders,
  detectEnvironment,
  mergeImageConfig,
  selectRuntime,
  validateHostConfig,
  writeBundle,
} from "../../src/runtime/index.ts";
import type { BundleInput, ExecProcessRequest } from "../../src/runtime/types.ts";
import { makeRootfs } from "./rootfs.ts";

/** Milliseconds for one container: a second at most on a busy machine with two cores, so this is never a close thing. */
const LIMIT = 30_000;
const CGROUP_PARENT = "/berth-test";

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Options {
  config?: ContainerConfig;
  hostConfig?: HostConfig;
  input?: Partial<BundleInput>;
}

/** A folder with a root file system, a network namespace, and everything that has to be cleaned up. */
export class BundleHost implements AsyncDisposable {
  readonly folder = mkdtempSync("/var/tmp/berth-test-");
  readonly rootfs = join(this.folder, "rootfs");
  readonly netns = join(this.folder, "netns");
  readonly environment = detectEnvironment({
    dataRoot: join(this.folder, "data"),
    execRoot: join(this.folder, "exec"),
    bridge: "berthtest0",
  });
  private readonly running: { runtime: string; id: string }[] = [];
  private count = 0;

  constructor() {
    mkdirSync(this.rootfs);
    makeRootfs(this.rootfs);
    writeFileSync(this.netns, "");
    const made = Bun.spawnSync(["unshare", `--net=${this.netns}`, "true"]);
    if (!made.success) throw new Error(`unshare --net: ${made.stderr}`);
    for (const name of ["hosts", "hostname", "resolv.conf"])
      writeFileSync(join(this.folder, name), `${name} of the test\n`);
  }

  /** Writes the bundle and gives its folder and id. */
  async write({
    config = {},
    hostConfig = {},
    input = {},
  }: Options): Promise<{ id: string; bundle: string }> {
    const id = `berth-test-${process.pid}-${++this.count}`;
    const bundle = join(this.folder, `bundle-${this.count}`);
    mkdirSync(bundle);
    const merged = mergeImageConfig(config, { Env: ["FROM_IMAGE=yes"] });
    const { hostConfig: checked } = validateHostConfig(
      merged,
      { CgroupParent: CGROUP_PARENT, ...hostConfig },
      this.environment,
    );
    await writeBundle(bundle, {
      id,
      name: id,
      config: merged,
      hostConfig: checked,
      rootfs: this.rootfs,
      mounts: [],
      files: {
        hosts: join(this.folder, "hosts"),
        hostname: join(this.folder, "hostname"),
        resolvConf: join(this.folder, "resolv.conf"),
      },
      hostname: "inside",
      networkNamespace: checked.NetworkMode === "host" ? null : this.netns,
      joinedNamespaces: {},
      sysctls: {},
      environment: this.environment,
      ...input,
    });
    return { id, bundle };
  }

  /** Runs `sh -c SCRIPT` in a new container and waits for its end. */
  async run(runtime: string, script: string, options: Options = {}): Promise<Output> {
    const { id, bundle } = await this.write({
      ...options,
      config: { Cmd: ["/bin/sh", "-c", script], ...options.config },
    });
    return this.spawn(runtime, "run", "--bundle", bundle, id);
  }

  /** Starts a container that stays until the end of the test. */
  async stay(runtime: string, options: Options = {}): Promise<{ id: string; bundle: string }> {
    const written = await this.write({ ...options, config: { Cmd: ["sleep", "60"], ...options.config } });
    this.running.push({ runtime, id: written.id });
    // Without pipes: the container keeps its end of them, and nobody would see their end.
    const child = Bun.spawn(
      this.command(runtime, "run", "--detach", "--bundle", written.bundle, written.id),
      {
        stdio: ["ignore", "ignore", "ignore"],
        timeout: LIMIT,
      },
    );
    if ((await child.exited) !== 0) throw new Error(`${runtime} run --detach failed`);
    return written;
  }

  /** Runs an exec in a container that stays. */
  async exec(
    runtime: string,
    container: { id: string; bundle: string },
    request: Pick<ExecProcessRequest, "config" | "hostConfig"> & {
      exec: Partial<ExecProcessRequest["exec"]>;
    },
  ): Promise<Output> {
    const spec = await buildExecProcess(
      {
        bundle: container.bundle,
        rootfs: this.rootfs,
        config: request.config,
        hostConfig: request.hostConfig,
        exec: { cmd: [], env: [], user: "", workingDir: "", tty: false, privileged: false, ...request.exec },
      },
      this.environment,
    );
    const file = join(container.bundle, "process.json");
    writeFileSync(file, toJson(spec.oci));
    return this.spawn(runtime, "exec", "--process", file, container.id);
  }

  private command(name: string, ...args: string[]): string[] {
    const runtime = selectRuntime({ asked: name });
    const command = [runtime.path, "--root", join(this.folder, `state-${name}`), ...args];
    if (!runtime.hideUnifiedCgroup) return command;
    return [
      "unshare",
      "--mount",
      "--propagation",
      "slave",
      "sh",
      "-c",
      'umount /sys/fs/cgroup/unified && exec "$@"',
      "sh",
      ...command,
    ];
  }

  private async spawn(name: string, ...args: string[]): Promise<Output> {
    const child = Bun.spawn(this.command(name, ...args), {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: LIMIT,
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { runtime, id } of this.running) await this.spawn(runtime, "delete", "--force", id);
    for (const folder of Object.values(cgroupFolders(CGROUP_PARENT)))
      try {
        rmdirSync(folder);
      } catch {
        // in use by another test's containers, or gone
      }
    if (existsSync(this.netns)) Bun.spawnSync(["umount", this.netns]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// What a step's process sees: each mount of an ExecOp as a place on the host, and what of them is kept afterwards.
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../../base/errors.ts";
import { type Mount, MountType } from "../../buildkit/messages/ops_pb.ts";
import { mount as mountFileSystem, unmount } from "../../linux/mount.ts";
import { resolveInRoot } from "../../runtime/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { StepCacheMounts } from "../cache/cache-mounts.ts";
import type { RunContext } from "../solver/operation.ts";
import { mountWritable, scratchFolder } from "../solver/views.ts";
import type { StepMount } from "../types.ts";
import { baseOf, type OperationEnvironment } from "./environment.ts";
import { freeze } from "./freeze.ts";
import { readSecret } from "./secrets.ts";
import { forwardAgent } from "./ssh.ts";

export interface PreparedMounts extends AsyncDisposable {
  rootfs: string;
  mounts: StepMount[];
  /** What was written, by the number of the output; called once, after the process. */
  outputs(): Promise<(SnapshotId | null)[]>;
}

interface Written {
  output: number;
  snapshot: SnapshotId;
  unmount(): void;
}

/** Opens all of them; what was made is taken away again by the disposal. */
export async function prepareMounts(
  mounts: readonly Mount[],
  environment: OperationEnvironment,
  context: RunContext,
): Promise<PreparedMounts> {
  const stack = new AsyncDisposableStack();
  try {
    const preparation = new Preparation(environment, context, stack);
    // Parents before what is in them.
    const order = [...mounts].sort((a, b) => depth(a.dest) - depth(b.dest));
    for (const mount of order) await preparation.add(mount);
    if (preparation.rootfs === undefined) throw invalid("exec operation without a root mount");
    return {
      rootfs: preparation.rootfs,
      mounts: preparation.mounts,
      outputs: () => preparation.outputs(),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

const depth = (path: string): number => path.split("/").filter((part) => part !== "").length;

class Preparation {
  rootfs: string | undefined;
  readonly mounts: StepMount[] = [];
  private readonly written: Written[] = [];
  private readonly cacheMounts: StepCacheMounts;

  constructor(
    private readonly environment: OperationEnvironment,
    private readonly context: RunContext,
    private readonly stack: AsyncDisposableStack,
  ) {
    this.cacheMounts = stack.use(environment.cacheMounts.ofStep());
  }

  async add(mount: Mount): Promise<void> {
    switch (mount.mountType) {
      case MountType.BIND:
        return await this.bind(mount);
      case MountType.TMPFS:
        this.mounts.push({ type: "tmpfs", destination: mount.dest, size: Number(mount.tmpfsOpt?.size ?? 0) });
        return;
      case MountType.CACHE:
        return await this.cache(mount);
      case MountType.SECRET:
        return await this.secret(mount);
      case MountType.SSH:
        return await this.ssh(mount);
    }
  }

  async outputs(): Promise<(SnapshotId | null)[]> {
    const outputs: (SnapshotId | null)[] = [];
    for (const { output, snapshot, unmount } of this.written) {
      unmount();
      if (output >= 0) outputs[output] = await freeze(this.environment.host.store, snapshot);
    }
    return [...outputs].map((output) => output ?? null);
  }

  private async bind(mount: Mount): Promise<void> {
    const input = mount.input < 0n ? undefined : this.context.inputs[Number(mount.input)];
    const isRoot = mount.dest === "/";
    if (mount.readonly && !isRoot && mount.output < 0n && input) {
      const view = this.stack.use(await input.view());
      this.push(mount, await this.select(view.path, mount.selector), true);
      return;
    }
    const path = await this.writable(mount, await input?.snapshot());
    if (isRoot) this.rootfs = path;
    else this.push(mount, await this.select(path, mount.selector), mount.readonly);
  }

  /** A snapshot of its own, which is kept only where the operation has an output for it. */
  private async writable(mount: Mount, base: SnapshotId | undefined): Promise<string> {
    const { store } = this.environment.host;
    const snapshot = await store.snapshots.createActive(baseOf(base), this.context.lease);
    const output = Number(mount.output);
    let frozen = false;
    this.stack.defer(async () => {
      if (!frozen) await store.snapshots.remove(snapshot);
    });
    const mounted = this.stack.use(once(mountWritable(store, snapshot)));
    this.written.push({
      output,
      snapshot,
      unmount: () => {
        mounted[Symbol.dispose]();
        frozen = output >= 0;
      },
    });
    return mounted.path;
  }

  private async cache(mount: Mount): Promise<void> {
    const input = mount.input < 0n ? undefined : this.context.inputs[Number(mount.input)];
    const opened = await this.cacheMounts.open({
      id: mount.cacheOpt?.id || mount.dest,
      base: input,
      sharing: mount.cacheOpt?.sharing ?? 0,
      lease: this.context.lease,
      signal: this.context.signal,
    });
    this.push(mount, await this.select(opened, mount.selector), mount.readonly);
  }

  private async secret(mount: Mount): Promise<void> {
    const options = mount.secretOpt;
    if (!options) throw invalid("invalid secret mount options");
    const value = await readSecret(this.environment, options.id, options.optional);
    if (value === undefined) return;
    const path = join(this.memoryFolder(), "secret");
    writeFileSync(path, value, { mode: 0o600 });
    chownSync(path, options.uid, options.gid);
    chmodSync(path, options.mode & 0o777);
    this.push(mount, path, true);
  }

  private async ssh(mount: Mount): Promise<void> {
    const options = mount.sshOpt;
    if (!options) throw invalid("invalid ssh mount options");
    const path = join(this.memoryFolder(), "agent.sock");
    const agent = await forwardAgent(this.environment, options, path);
    if (!agent) return;
    this.stack.use(agent);
    this.push(mount, path, false);
  }

  /** What is secret never touches a disk. */
  private memoryFolder(): string {
    const folder = scratchFolder(this.environment.host.store, "secret");
    mountFileSystem("tmpfs", folder, "tmpfs", NOSUID | NODEV | NOEXEC, "mode=0700,size=8m");
    this.stack.defer(() => {
      unmount(folder);
      rmSync(folder, { recursive: true, force: true });
    });
    const inner = join(folder, "in");
    mkdirSync(inner, { mode: 0o755 });
    return inner;
  }

  private push(mount: Mount, source: string, readOnly: boolean): void {
    this.mounts.push({ type: "bind", source, destination: mount.dest, readOnly });
  }

  /** The part of a tree that is mounted; links stay inside. */
  private async select(tree: string, selector: string): Promise<string> {
    if (selector === "" || selector === "/") return tree;
    return await resolveInRoot(tree, selector);
  }
}

// mount(2)
const NOSUID = 2;
const NODEV = 4;
const NOEXEC = 8;

/** A disposal that may come early, and then again. */
function once<T extends Disposable>(what: T): T {
  let done = false;
  const dispose = what[Symbol.dispose].bind(what);
  what[Symbol.dispose] = () => {
    if (done) return;
    done = true;
    dispose();
  };
  return what;
}

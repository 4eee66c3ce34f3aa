// A case: what is asked for, what the peer made of it when it was recorded, and how ours differs and why.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig, HostConfig } from "../../src/api/types/index.ts";
import type { HostEnvironment } from "../../src/base/environment.ts";
import { type BundleFacts, buildSpec } from "../../src/runtime/bundle/build.ts";
import type { HostFacts } from "../../src/runtime/bundle/host-facts.ts";
import { mergeImageConfig } from "../../src/runtime/bundle/merge-image-config.ts";
import { resolveUser } from "../../src/runtime/bundle/user.ts";
import { validate } from "../../src/runtime/bundle/validate.ts";
import type { BundleInput } from "../../src/runtime/types.ts";
import { planMounts } from "../../src/volumes/plan.ts";
import { toBundleMounts } from "../../src/volumes/realise.ts";
import { GROUP, PASSWD } from "./accounts.ts";
import { type Difference, type Json, normalForm } from "./normal-form.ts";

export interface Case {
  /** The options, as `docker run` takes them. */
  options: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** Container modes name this word; the recorder puts a running container there. */
  joins?: "JOINED";
  differences: (Difference & { reason: string })[];
}

export interface Recording {
  warnings: string[];
  spec: Json;
  /** What our look-up found on the host where the peer ran. */
  facts: Pick<BundleFacts, "devices" | "hostDevices" | "numbers">;
}

export interface RecordedHost {
  /** The peer's version and the kernel it ran on. */
  peer: string;
  environment: HostEnvironment;
  facts: HostFacts;
}

export const CASES = join(import.meta.dir, "cases");
export const RECORDED = join(import.meta.dir, "expected");
export const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
export const caseNames = (): string[] =>
  readdirSync(CASES)
    .map((name) => name.replace(/\.json$/, ""))
    .sort();

/** The image's own settings, the same that the recorder gives the peer's image. */
export const IMAGE = {
  Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "FROM_IMAGE=yes"],
  Cmd: ["/bin/sleep", "1000"],
};

/** What the tmpfs behind /dev/shm is mounted with, on the host too. */
const KEPT_BY_SHM = ["nosuid", "nodev", "noexec"];

export const ID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/** What a case's options become with us, from recorded facts alone. */
export function ourSpec(
  { config, hostConfig }: Case,
  host: RecordedHost,
  facts: Recording["facts"],
): { spec: Json; warnings: string[] } {
  const merged = mergeImageConfig(config, IMAGE);
  const checked = validate(merged, hostConfig, host.environment, {}, host.facts);
  const planned = planMounts(
    {
      binds: hostConfig.Binds ?? [],
      mounts: hostConfig.Mounts ?? [],
      tmpfs: hostConfig.Tmpfs ?? {},
      imageVolumes: Object.keys(merged.Volumes ?? {}),
      inherited: [],
    },
    { dataRoot: host.environment.paths.dataRoot },
  );
  const realised = planned.map((mount) => ({
    mount,
    hostPath: mount.type === "volume" ? `VOLUME:${mount.source || "anonymous"}` : mount.source,
  }));
  const joined = (mode: string | undefined, type: string) =>
    mode?.startsWith("container:") ? `/proc/JOINED/ns/${type}` : undefined;
  const { NetworkMode, PidMode, IpcMode } = checked.hostConfig;
  const shared = joined(IpcMode, "ipc") ?? (IpcMode === "shareable" ? "own" : undefined);
  const input: BundleInput = {
    id: ID,
    name: "case",
    config: merged,
    hostConfig: checked.hostConfig,
    rootfs: "ROOTFS",
    mounts: toBundleMounts(realised, hostConfig.Tmpfs ?? {}, host.facts.recursiveReadOnly),
    files: {
      hosts: "FILES/hosts",
      hostname: "FILES/hostname",
      resolvConf: "FILES/resolv.conf",
    },
    hostname:
      merged.Hostname ||
      (NetworkMode === "host" ? "HOST" : joined(NetworkMode, "net") ? "JOINED-SHORT-ID" : ID.slice(0, 12)),
    networkNamespace: NetworkMode === "host" ? null : (joined(NetworkMode, "net") ?? "NETNS"),
    joinedNamespaces: { pid: joined(PidMode, "pid"), ipc: joined(IpcMode, "ipc") },
    sysctls: {},
    environment: host.environment,
  };
  const spec = buildSpec(input, {
    ...facts,
    host: host.facts,
    folderModes: { "/tmp": 0o1777 },
    user: resolveUser(merged.User ?? "", hostConfig.GroupAdd, { passwd: PASSWD, group: GROUP }),
    ...(shared && { shm: { source: "SHM", options: KEPT_BY_SHM } }),
    ...(IpcMode === "host" && { shm: { source: "/dev/shm", options: KEPT_BY_SHM } }),
    initPath: hostConfig.Init && (!PidMode || PidMode === "private") ? "INIT" : undefined,
    rootPropagation: planned.some(({ propagation }) => propagation?.endsWith("shared"))
      ? "shared"
      : planned.some(({ propagation }) => propagation?.endsWith("slave"))
        ? "rslave"
        : undefined,
  });
  // The peer leaves HOME to runc, which finds the same; what it has to be is a matter of the room's own tests.
  if (!merged.Env?.some((entry) => entry.startsWith("HOME=")))
    spec.process.env = spec.process.env.filter((entry) => !entry.startsWith("HOME="));
  return {
    spec: normalForm(spec, [
      [ID, "ID"],
      [ID.slice(0, 12), "SHORT-ID"],
    ]),
    warnings: checked.warnings,
  };
}

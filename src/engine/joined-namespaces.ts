// Namespaces that a container shares with another one: `--pid container:X`, `--ipc container:X`.
import { mkdirSync, rmSync } from "node:fs";
import type { HostEnvironment } from "../base/environment.ts";
import { conflict } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/index.ts";
import { mount, unmount } from "../linux/mount.ts";
import type { BundleInput } from "../runtime/types.ts";
import { shmFolder } from "./folders.ts";
import type { Engine } from "./types.ts";

const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/** Files of the other containers' namespaces. Errors: not-found, conflict when that container doesn't run. */
export function joinedNamespaces(engine: Engine, record: ContainerRecord): BundleInput["joinedNamespaces"] {
  const { PidMode, IpcMode } = record.hostConfig;
  const pid = namespaceOf(engine, PidMode, "pid");
  const ipc = namespaceOf(engine, IpcMode, "ipc");
  return { ...(pid && { pid }), ...(ipc && { ipc }) };
}

function namespaceOf(engine: Engine, mode: string | undefined, kind: "pid" | "ipc"): string | undefined {
  if (!mode?.startsWith("container:")) return undefined;
  const other = engine.containers.find(mode.slice("container:".length));
  const refuse = (why: string) => conflict(`failed to join ${kind.toUpperCase()} namespace: ${why}`);
  const { status } = other.state;
  if (status === "restarting") throw refuse(`container ${other.id} is restarting`);
  if (status !== "running" && status !== "paused") throw refuse(`container ${other.id} is not running`);
  if (kind === "ipc" && other.hostConfig.IpcMode !== "shareable")
    throw refuse(
      `container ${other.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  return `/proc/${other.state.pid}/ns/${kind}`;
}

/** /dev/shm of a container that shares it: its own tmpfs, made here, or the one of the container it joins. */
export function shareMemory(
  { environment, runtimeDefaults }: Engine,
  record: ContainerRecord,
): { path: string; own: boolean } | undefined {
  const { IpcMode: mode = "", ShmSize: size } = record.hostConfig;
  if (mode.startsWith("container:"))
    return { path: shmFolder(environment, mode.slice("container:".length)), own: false };
  if (mode !== "shareable") return undefined;
  const path = shmFolder(environment, record.id);
  unshareMemory(environment, record.id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  mount(
    "shm",
    path,
    "tmpfs",
    NOSUID | NODEV | NOEXEC,
    `mode=1777,size=${size || runtimeDefaults.shmSize || DEFAULT_SHM_SIZE}`,
  );
  return { path, own: true };
}

// mount(2)
const NOSUID = 2;
const NODEV = 4;
const NOEXEC = 8;

/** Safe to call again, and for a container that shared nothing. */
export function unshareMemory(environment: HostEnvironment, id: string): void {
  const path = shmFolder(environment, id);
  while (unmount(path));
  rmSync(path, { recursive: true, force: true });
}

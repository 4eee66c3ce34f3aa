// A container's root file system, where its runtime finds it. It is mounted while the container runs, and while anybody
// reads or writes its files (cp, export): two overlays of one upper folder at a time would spoil it.
//
// Who may run side by side: any number of users of one container, with its start, its end and its restarts, which hold
// the container's lock. A removal ends the users first.
import { rmdirSync } from "node:fs";
import { conflict, notFound } from "../base/errors.ts";
import { type ContainerId, type ContainerRecord, isRunning } from "../containers/index.ts";
import { unmount } from "../linux/mount.ts";
import { rootOwner } from "../runtime/index.ts";
import { makeUsualFiles, mountSnapshot } from "../store/index.ts";
import { rootfsFolder } from "./folders.ts";
import type { Engine } from "./types.ts";

/** Whatever is mounted there, and its folder. Safe to call again. */
function unmountAll(target: string): void {
  while (unmount(target));
  try {
    rmdirSync(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Takes the mount away, unless somebody still uses the files: then the last of them does. */
export function unmountRootfs(engine: Engine, id: ContainerId): void {
  if (!engine.rootfsUsers.has(id)) unmountAll(rootfsFolder(engine.environment, id));
}

/** Mounts it for a start, which holds the container's lock; the first time with what every root has. */
export function mountRootfs(engine: Engine, { id, snapshot, state }: ContainerRecord): void {
  if (engine.rootfsUsers.has(id)) return;
  const target = rootfsFolder(engine.environment, id);
  unmountAll(target); // what a removal of the mount that failed may have left
  mountSnapshot(engine.store, snapshot, target);
  if (state.status === "created") makeUsualFiles(target, rootOwner(engine.environment));
}

/**
 * Gives a new container's volumes the image's content: at its creation, as Docker does, so that another one may have them before it
 * starts, and once, so that a volume that its user emptied stays empty.
 */
export async function fillVolumes(
  engine: Engine,
  { id, snapshot, mounts }: Pick<ContainerRecord, "id" | "snapshot" | "mounts">,
): Promise<void> {
  if (!engine.volumes.copiesUp(mounts)) return;
  const target = rootfsFolder(engine.environment, id);
  mountSnapshot(engine.store, snapshot, target);
  try {
    await engine.volumes.copyUp(id, mounts, target);
  } finally {
    unmountAll(target);
  }
}

/** Use of a container's files. At its disposal nothing may be done with them any more. */
export interface RootfsUse extends AsyncDisposable {
  /** As it was when the use began. */
  record: ContainerRecord;
  /** Aborts when the container is removed. */
  signal: AbortSignal;
}

/** Mounts the root file system of a container that doesn't run, and keeps it so. Errors: not-found, conflict. */
export function useRootfs(engine: Engine, id: ContainerId): Promise<RootfsUse> {
  const { containers, rootfsUsers } = engine;
  return containers.locks.run(id, async () => {
    const record = containers.get(id);
    if (!record) throw notFound(`No such container: ${id}`);
    const { status } = record.state;
    if (status === "removing" || status === "dead" || containers.removing.has(id))
      throw conflict(`container ${id} is marked for removal and its files cannot be used`);
    if (!isRunning(record.state)) mountRootfs(engine, record);
    const users = rootfsUsers.get(id) ?? new Set();
    rootfsUsers.set(id, users);
    const ended = Promise.withResolvers<void>();
    const removal = new AbortController();
    const user = { removal, ended: ended.promise };
    users.add(user);
    return {
      record,
      signal: removal.signal,
      async [Symbol.asyncDispose]() {
        users.delete(user);
        if (users.size === 0) rootfsUsers.delete(id);
        ended.resolve();
        engine.background.run("the unmounting of files that were copied", () => leave(engine, id));
      },
    };
  });
}

/** What the last user leaves, unless the container runs by now or is gone. */
function leave(engine: Engine, id: ContainerId): Promise<void> {
  return engine.containers.locks.run(id, async () => {
    const record = engine.containers.get(id);
    if (!record || isRunning(record.state) || engine.rootfsUsers.has(id)) return;
    unmountRootfs(engine, id);
    await engine.volumes.letGo(id);
  });
}

/** Ends all use of the files, for a removal: workers are killed, their clients get an error. */
export async function endRootfsUse(engine: Engine, id: ContainerId): Promise<void> {
  const users = [...(engine.rootfsUsers.get(id) ?? [])];
  for (const { removal } of users) removal.abort(conflict(`container ${id} is being removed`));
  await Promise.all(users.map(({ ended }) => ended));
}

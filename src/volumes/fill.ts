// Volumes that get content: the image's, when a container is created on an empty one; an archive's or another volume's. What was cut
// off never passes for a volume that is filled: a folder of ours is filled beside its place and renamed onto it, what is mounted is
// emptied again, now or by the next who fills it.
import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  BerthError,
  conflict,
  invalid,
  isKind,
  messageOf,
  notImplemented,
  systemError,
} from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { resolveInRoot } from "../runtime/index.ts";
import { copyInto, fillFrom, isEmpty } from "./disk.ts";
import { checkVolumeName } from "./names.ts";
import { realiseVolume } from "./realise.ts";
import type { ResolvedMount, VolumeRecord } from "./types.ts";
import { bringUp, letGo } from "./uses.ts";
import { findRow, getRow, isPlain, usersOf, type VolumeRows } from "./volume-rows.ts";

const copiesUp = ({ type, copyUp }: ResolvedMount): boolean => type === "volume" && copyUp;
export const anyCopiesUp = (mounts: ResolvedMount[]): boolean => mounts.some(copiesUp);

export async function copyUp(
  room: VolumeRows,
  containerId: string,
  mounts: ResolvedMount[],
  rootfs: string,
): Promise<void> {
  for (const mount of mounts.filter(copiesUp)) {
    const source = await resolveInRoot(rootfs, mount.destination);
    const stats = await lstat(source).catch(() => undefined);
    if (stats && !stats.isDirectory() && mount.anonymous)
      throw invalid(`cannot mount volume over existing file, file exists ${mount.destination}`);
    if (!stats?.isDirectory()) continue;
    try {
      const record = getRow(room, mount.source);
      if (isPlain(record) && !mount.subpath) await fillPlain(room, record, source);
      else await fillMounted(room, containerId, mount, source);
    } catch (error) {
      throw error instanceof BerthError
        ? new BerthError(error.kind, `failed to populate volume: ${error.message}`, { cause: error })
        : systemError(`failed to populate volume: ${messageOf(error)}`, error);
    }
  }
}

function fillPlain({ lock, local }: VolumeRows, { id }: VolumeRecord, source: string): Promise<void> {
  return lock.run(id, async () => {
    const target = local.mountpoint(id);
    if (await isEmpty(target)) await fillFrom(source, target);
  });
}

/** Of a volume that is mounted, or a part of one: in its place. */
async function fillMounted(
  room: VolumeRows,
  containerId: string,
  mount: ResolvedMount,
  source: string,
): Promise<void> {
  const { subpath = "", source: name } = mount;
  const folder = await bringUp(room, containerId, name);
  try {
    const { hostPath, isFile, close } = realiseVolume(mount, folder, room.scratch);
    try {
      if (!isFile)
        await room.lock.run(name, () => fillInPlace(room, name, subpath, { source, target: hostPath }));
    } finally {
      close?.();
    }
  } catch (error) {
    if (!isKind(error, "not-found")) throw error; // a subpath that isn't there: the start says so
  } finally {
    await letGo(room, containerId);
  }
}

async function fillInPlace(
  { rows }: VolumeRows,
  name: string,
  subpath: string,
  { source, target }: { source: string; target: string },
): Promise<void> {
  const mark = (filling: string | undefined) => {
    const { filling: _, ...record } = rows.get(name) as VolumeRecord;
    rows.put({ ...record, ...(filling !== undefined && { filling }) });
  };
  // Half of an earlier copy that was killed.
  if (rows.get(name)?.filling === subpath) await empty(target);
  if (!(await isEmpty(target))) return;
  mark(subpath);
  try {
    await copyInto(source, target);
  } catch (error) {
    await empty(target);
    throw error;
  } finally {
    mark(undefined);
  }
}

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Errors: conflict, when files or users are there; invalid for a name; those of `fill`. Nothing is left then. */
export function makeFilled(
  room: VolumeRows,
  request: { name: string; labels?: Record<string, string> },
  fill: (folder: string) => Promise<void>,
): Promise<VolumeRecord> {
  const { rows, local, lock } = room;
  const { name, labels } = request;
  checkVolumeName(name);
  return lock.run(name, async () => {
    const existing = findRow(room, name);
    if (existing) await mustBeFillable(room, existing);
    if (existing && labels && Object.keys(labels).length > 0)
      throw conflict(`the volume ${name} is there already, and its labels can't be changed`);
    const fresh: VolumeRecord = {
      id: name,
      driver: "local",
      createdAt: new Date().toISOString(),
      labels: labels ?? null,
      options: null,
      scope: "local",
      anonymous: false,
    };
    if (!existing) rows.put({ ...fresh, making: true });
    const target = local.mountpoint(name);
    const beside = `${target}.filling`;
    try {
      await local.makeFolder(name);
      await rm(beside, { recursive: true, force: true });
      await mkdir(beside, { mode: 0o755 });
      await fill(beside);
      failpoint("volume.filled");
      await rename(beside, target);
      failpoint("volume.renamed");
    } catch (error) {
      await rm(beside, { recursive: true, force: true });
      if (!existing) {
        await local.remove(fresh);
        rows.delete(name);
      }
      throw error;
    }
    if (existing) return existing;
    rows.put(fresh);
    room.emit("create", fresh);
    return fresh;
  });
}

async function mustBeFillable(room: VolumeRows, record: VolumeRecord): Promise<void> {
  const { id } = record;
  if (!isPlain(record))
    throw notImplemented(
      `the volume ${id} is a mount, or a plugin's: only a folder of the driver local, without options, is filled whole or not at all`,
    );
  const users = usersOf(room, id);
  if (users.length > 0) throw conflict(`the volume ${id} is in use - [${users.join(", ")}]`);
  if (!(await isEmpty(room.local.mountpoint(id))))
    throw conflict(`the volume ${id} has files already: remove it, or choose another name`);
}

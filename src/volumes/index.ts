// The volumes room's door: named volumes and the mounts of containers.
//
// A volume is a row and a folder, DATAROOT/volumes/NAME/_data. The row is the truth: it is written before the folder is
// made and deleted after the folder is gone, and opening makes or removes what is missing or left. Changes of one volume
// follow each other (a lock per name); a container's uses are rows of their own, so removal needs no look at containers.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, lstat, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Volume } from "../api/types/index.ts";
import type { HostEnvironment } from "../base/environment.ts";
import { conflict, invalid, notFound } from "../base/errors.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import { resolveInRoot, rootOwner, supportsRecursiveReadOnly } from "../runtime/index.ts";
import type { Store } from "../store/types.ts";
import { fillFrom, isEmpty, sizeOf } from "./disk.ts";
import { listFilter, pruneFilter } from "./filters.ts";
import { checkLocalOptions, mountLocal, needsMount, unmountLocal } from "./local-options.ts";
import { checkVolumeName } from "./names.ts";
import { planMounts } from "./plan.ts";
import {
  clearScratch,
  realiseBind,
  realiseImage,
  realiseVolume,
  toBundleMounts,
  withInheritedOptions,
} from "./realise.ts";
import type { RealisedMount, ResolvedMount, VolumeRecord, Volumes, VolumeUse } from "./types.ts";

export { parseVolumesFrom } from "./plan.ts";

/** There where the kernel has SELinux switched on (selinux(8)). */
const SELINUX = "/sys/fs/selinux/enforce";

/** Docker's mark on volumes that were made without a name. */
const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

/** Opens the volumes below the data root; finishes or undoes what a killed daemon left half-made. */
export async function openVolumes(rooms: { store: Store; environment: HostEnvironment }): Promise<Volumes> {
  const { store, environment } = rooms;
  const root = join(environment.paths.dataRoot, "volumes");
  const scratch = join(environment.paths.execRoot, "subpaths");
  const rows = store.documents<VolumeRecord>("volumes");
  const uses = store.documents<VolumeUse>("volumeUses");
  const lock = new KeyedLock();
  const owner = rootOwner(environment);

  const folderOf = (name: string) => join(root, name);
  const mountpoint = (name: string) => join(root, name, "_data");
  const find = (name: string): VolumeRecord | undefined => {
    const record = rows.get(name);
    return record?.removing ? undefined : record;
  };
  const get = (name: string): VolumeRecord => {
    const record = find(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  };
  const usersOf = (name: string) => uses.where("volume", name).map(({ containerId }) => containerId);

  async function makeFolder(name: string): Promise<void> {
    await mkdir(folderOf(name), { recursive: true, mode: 0o701 });
    const made = await mkdir(mountpoint(name), { recursive: true, mode: 0o755 });
    if (made && (owner.uid !== 0 || owner.gid !== 0)) await chown(mountpoint(name), owner.uid, owner.gid);
  }

  /** Row (and, in the same transaction, its first use), then folder. The caller holds the name's lock. */
  async function make(
    name: string,
    request: NonNullable<ResolvedMount["creation"]>,
    anonymous: boolean,
    use?: VolumeUse,
  ): Promise<VolumeRecord> {
    refuseOtherDriver(name, request.driver);
    checkVolumeName(name);
    checkLocalOptions(name, request.options ?? {});
    const existing = find(name);
    const record: VolumeRecord = existing ?? {
      id: name,
      driver: "local",
      createdAt: new Date().toISOString(),
      labels: { ...request.labels, ...(anonymous && { [ANONYMOUS_LABEL]: "" }) },
      options: { ...request.options },
      scope: "local",
      anonymous,
    };
    store.transaction(() => {
      if (!existing) rows.put(record);
      if (use) {
        const before = uses.get(use.id);
        uses.put({ ...use, anonymous: use.anonymous && (before?.anonymous ?? true) });
      }
    });
    if (existing) return record;
    try {
      await makeFolder(name);
    } catch (error) {
      store.transaction(() => {
        if (use) uses.delete(use.id);
        rows.delete(name);
      });
      throw error;
    }
    return record;
  }

  /** Unmounts a volume that no container runs with. The caller holds the name's lock. */
  function settle(record: VolumeRecord): void {
    if (!needsMount(record.options)) return;
    if (!uses.where("volume", record.id).some(({ active }) => active)) unmountLocal(mountpoint(record.id));
  }

  async function letGo(containerId: string): Promise<void> {
    for (const use of uses.where("containerId", containerId))
      if (use.active)
        await lock.run(use.volume, async () => {
          uses.put({ ...use, active: false });
          const record = find(use.volume);
          if (record) settle(record);
        });
  }

  /** Marked, files away, row away. The caller holds the name's lock and has seen that nobody uses it. */
  async function take(record: VolumeRecord): Promise<void> {
    if (needsMount(record.options)) unmountLocal(mountpoint(record.id));
    rows.put({ ...record, removing: true });
    await rm(folderOf(record.id), { recursive: true, force: true });
    rows.delete(record.id);
  }

  async function release(containerId: string, options: { removeAnonymous: boolean }): Promise<void> {
    await letGo(containerId);
    const mine = uses.where("containerId", containerId);
    store.transaction(() => {
      for (const use of mine) uses.delete(use.id);
    });
    if (!options.removeAnonymous) return;
    for (const { volume, anonymous } of mine)
      if (anonymous)
        await lock.run(volume, async () => {
          const record = find(volume);
          if (record && usersOf(volume).length === 0) await take(record);
        });
  }

  async function acquire(containerId: string, mounts: ResolvedMount[]): Promise<ResolvedMount[]> {
    const acquired: ResolvedMount[] = [];
    try {
      for (const mount of mounts) {
        if (mount.type !== "volume") {
          acquired.push(mount);
          continue;
        }
        const anonymous = mount.anonymous ?? false;
        const name = mount.source || randomBytes(32).toString("hex");
        const use = { id: `${name}/${containerId}`, volume: name, containerId, anonymous };
        await lock.run(name, () => make(name, mount.creation ?? {}, mount.source === "", use));
        acquired.push({ ...mount, source: name });
      }
      return acquired;
    } catch (error) {
      await release(containerId, { removeAnonymous: true });
      throw error;
    }
  }

  /** The volume's folder, with what its options mount there. */
  async function bringUp(containerId: string, name: string): Promise<void> {
    const { options } = get(name);
    await makeFolder(name); // somebody may have removed it by hand
    if (!needsMount(options)) return;
    await lock.run(name, async () => {
      const use = uses.get(`${name}/${containerId}`);
      if (use) uses.put({ ...use, active: true });
      mountLocal(options, mountpoint(name));
    });
  }

  async function realise(
    containerId: string,
    mounts: ResolvedMount[],
    ids: { uid: number; gid: number },
  ): Promise<RealisedMount[]> {
    const done: RealisedMount[] = [];
    // A container that runs with its volumes keeps them when a copy of its files fails.
    const runsWithThem = uses.where("containerId", containerId).some(({ active }) => active);
    try {
      for (const mount of mounts) {
        if (mount.type === "bind") done.push(await realiseBind(mount, ids));
        else if (mount.type === "tmpfs") done.push({ mount, hostPath: "" });
        else if (mount.type === "image") done.push(realiseImage(mount, store, scratch));
        else {
          await bringUp(containerId, mount.source);
          done.push(realiseVolume(mount, mountpoint(mount.source), scratch));
        }
      }
      return await withInheritedOptions(done);
    } catch (error) {
      for (const { close } of done) close?.();
      if (!runsWithThem) await letGo(containerId);
      throw error;
    }
  }

  async function copyUp(mounts: ResolvedMount[], rootfs: string): Promise<void> {
    for (const mount of mounts) {
      if (mount.type !== "volume" || !mount.copyUp || mount.subpath) continue;
      // What it mounts is somebody else's: Docker fills it once, at create, which a tmpfs has forgotten by the start.
      if (needsMount(get(mount.source).options)) continue;
      const source = await resolveInRoot(rootfs, mount.destination);
      const stats = await lstat(source).catch(() => undefined);
      if (stats && !stats.isDirectory() && mount.anonymous)
        throw invalid(`cannot mount volume over existing file, file exists ${mount.destination}`);
      if (!stats?.isDirectory()) continue;
      await lock.run(mount.source, async () => {
        const target = mountpoint(mount.source);
        if (await isEmpty(target)) await fillFrom(source, target);
      });
    }
  }

  async function remove(name: string, options: { force: boolean }): Promise<void> {
    await lock.run(name, async () => {
      const record = find(name);
      if (!record && options.force) return;
      if (!record) throw notFound(`get ${name}: no such volume`);
      const users = usersOf(name);
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
      await take(record);
    });
  }

  /** After a kill: folders that were not made yet, removals that were not finished, uses of containers that never were. */
  async function reconcile(): Promise<void> {
    await mkdir(root, { recursive: true, mode: 0o701 });
    clearScratch(scratch);
    const containers = store.documents<{ id: string }>("containers");
    const strangers = new Set(
      uses
        .all()
        .map(({ containerId }) => containerId)
        .filter((id) => !containers.get(id)),
    );
    for (const id of strangers) await release(id, { removeAnonymous: true });
    for (const record of rows.all()) {
      if (record.removing) await take(record);
      else {
        await makeFolder(record.id);
        await rm(`${mountpoint(record.id)}.filling`, { recursive: true, force: true });
      }
    }
  }

  function toApi(record: VolumeRecord): Volume {
    return {
      CreatedAt: record.createdAt.replace(/\.\d+Z$/, "Z"),
      Driver: record.driver,
      // Docker says null for none; the vocabulary's type doesn't know that.
      Labels: (Object.keys(record.labels).length > 0 ? record.labels : null) as Volume["Labels"],
      Mountpoint: mountpoint(record.id),
      Name: record.id,
      Options: (Object.keys(record.options).length > 0 ? record.options : null) as Volume["Options"],
      Scope: record.scope,
    };
  }

  await reconcile();
  return {
    plan: (request) =>
      planMounts(request, { dataRoot: environment.paths.dataRoot, selinux: existsSync(SELINUX) }),
    acquire,
    release,
    realise,
    letGo,
    toBundle: (realised, tmpfs = {}) =>
      toBundleMounts(realised, tmpfs, supportsRecursiveReadOnly(environment)),
    copyUp,
    create(request) {
      const name = request.name || randomBytes(32).toString("hex");
      return lock.run(name, () => make(name, request, !request.name));
    },
    get,
    list: (filters = {}) => {
      const matches = listFilter(filters, (name) => usersOf(name).length > 0);
      return rows.all().filter((record) => !record.removing && matches(record));
    },
    async prune(filters = {}) {
      const matches = pruneFilter(filters);
      const report = { VolumesDeleted: [] as string[], SpaceReclaimed: 0 };
      for (const { id } of rows.all().filter(matches))
        await lock.run(id, async () => {
          const record = find(id);
          if (!record || usersOf(id).length > 0) return;
          const size = await sizeOf(mountpoint(id));
          await take(record);
          report.VolumesDeleted.push(id);
          report.SpaceReclaimed += size;
        });
      return report;
    },
    usersOf,
    remove,
    mountpoint,
    toApi,
    usage: (name) => sizeOf(mountpoint(name)),
  };
}

/** Before the driver's own checks, as Docker looks it up. */
function refuseOtherDriver(name: string, driver = ""): void {
  if (driver !== "" && driver !== "local")
    throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`);
}

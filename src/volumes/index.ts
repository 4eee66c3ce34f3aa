// The volumes room's door: named volumes and the mounts of containers.
//
// A volume is a row and what its driver makes of it: a folder, DATAROOT/volumes/NAME/_data, for `local`. Opening makes or removes what
// a killed daemon left missing or half. Changes of one volume follow each other (a lock per name); a container's uses are rows of their
// own, so removal needs no look at containers.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HostEnvironment } from "../base/environment.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import { rootOwner, supportsRecursiveReadOnly } from "../runtime/index.ts";
import type { Store } from "../store/types.ts";
import { sizeOf } from "./disk.ts";
import { openDrivers } from "./drivers.ts";
import { anyCopiesUp, copyUp, makeFilled } from "./fill.ts";
import { localDriver } from "./local-driver.ts";
import { inspect, list, toApi } from "./look.ts";
import { createVolume, pruneVolumes, removeVolume, settleVolume } from "./make-remove.ts";
import { planMounts } from "./plan.ts";
import { PATIENCE, type PluginPatience } from "./plugins/client.ts";
import { clearScratch, toBundleMounts } from "./realise.ts";
import type { VolumeEvent, VolumeRecord, Volumes, VolumeUse } from "./types.ts";
import { acquire, giveUp, hold, letGo, realise, release } from "./uses.ts";
import { findRow, isPlain, usersOf, type VolumeRows } from "./volume-rows.ts";

export { parseVolumesFrom } from "./plan.ts";

/** There where the kernel has SELinux switched on (selinux(8)). */
const SELINUX = "/sys/fs/selinux/enforce";

export interface OpenVolumes {
  store: Store;
  environment: HostEnvironment;
  onVolumeEvent?: (event: VolumeEvent, volume: VolumeRecord) => void;
  /** Where plugins are looked for; none: nowhere. */
  pluginFolders?: readonly string[];
  patience?: PluginPatience;
}

/** Opens the volumes below the data root; finishes or undoes what a killed daemon left half-made. No plugin is asked for that. */
export async function openVolumes(options: OpenVolumes): Promise<Volumes> {
  const { store, environment, onVolumeEvent = () => {} } = options;
  const { dataRoot, execRoot } = environment.paths;
  const root = join(dataRoot, "volumes");
  const local = localDriver(root, rootOwner(environment));
  const room: VolumeRows = {
    store,
    rows: store.documents<VolumeRecord>("volumes"),
    uses: store.documents<VolumeUse>("volumeUses"),
    lock: new KeyedLock(),
    waiting: new Map(),
    local,
    drivers: openDrivers({
      local,
      folders: options.pluginFolders ?? [],
      patience: options.patience ?? PATIENCE,
      forbidden: [dataRoot, execRoot],
    }),
    scratch: join(execRoot, "subpaths"),
    emit: onVolumeEvent,
  };
  await mkdir(root, { recursive: true, mode: 0o701 });
  await reconcile(room);
  return {
    plan: (request) => planMounts(request, { dataRoot, selinux: existsSync(SELINUX) }),
    acquire: (id, mounts) => acquire(room, id, mounts),
    release: (id, how) => release(room, id, how),
    realise: (id, mounts, ids) => realise(room, id, mounts, ids),
    giveUp: (id) => giveUp(room, id),
    letGo: (id) => letGo(room, id),
    isHeldBy: (id) => room.uses.where("containerId", id).some(({ active }) => active),
    toBundle: (realised, tmpfs = {}) =>
      toBundleMounts(realised, tmpfs, supportsRecursiveReadOnly(environment)),
    copiesUp: anyCopiesUp,
    copyUp: (id, mounts, rootfs) => copyUp(room, id, mounts, rootfs),
    create: async (request) => toApi(room, await createVolume(room, request)),
    find: (name) => findRow(room, name),
    inspect: (name) => inspect(room, name),
    list: (filters = {}) => list(room, filters),
    prune: (filters = {}) => pruneVolumes(room, filters),
    usersOf: (name) => usersOf(room, name),
    remove: (name, how) => removeVolume(room, name, how),
    mountpoint(name) {
      const record = room.rows.get(name);
      return record && record.driver !== "local" ? (record.mountpoint ?? "") : local.mountpoint(name);
    },
    async usage(name) {
      const record = findRow(room, name);
      return record && isPlain(record) ? sizeOf(local.mountpoint(name)) : undefined;
    },
    hold: (name, use) => hold(room, name, use),
    makeFilled: async (request, fill) => toApi(room, await makeFilled(room, request, fill)),
    drivers: () => room.drivers.names(),
  };
}

/** After a kill: folders that were not made yet, removals that were not finished, uses of what never came to be a container. */
async function reconcile(room: VolumeRows): Promise<void> {
  clearScratch(room.scratch);
  const containers = room.store.documents<{ id: string }>("containers");
  const strangers = new Set(
    room.uses
      .all()
      .map(({ containerId }) => containerId)
      .filter((id) => !containers.get(id)),
  );
  for (const id of strangers) await releaseStranger(room, id);
  for (const record of room.rows.all()) await settleVolume(room, record);
}

/** A plugin may be away, or hang, and the daemon starts without it: what was mounted by one is unmounted behind its back. */
async function releaseStranger(room: VolumeRows, id: string): Promise<void> {
  const byPlugin = room.uses
    .where("containerId", id)
    .some(
      ({ volume, active, anonymous }) => (active || anonymous) && room.rows.get(volume)?.driver !== "local",
    );
  const released = release(room, id, { removeAnonymous: true });
  if (!byPlugin) return released;
  released.catch(() => {}); // its own log lines say what failed
}

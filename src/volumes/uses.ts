// Who uses which volume: containers from their creation to their removal, mounted while they run; exports and copies while they go on.
import { randomBytes } from "node:crypto";
import { messageOf, systemError, unavailable } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { anonymousName, make, take } from "./make-remove.ts";
import { PluginRefusal } from "./plugins/client.ts";
import { realiseBind, realiseImage, realiseVolume, withInheritedOptions } from "./realise.ts";
import type { RealisedMount, ResolvedMount, VolumeHold, VolumeRecord, VolumeUse } from "./types.ts";
import { driverOf, findRow, getRow, isPlain, usersOf, type VolumeRows } from "./volume-rows.ts";

export async function acquire(
  room: VolumeRows,
  containerId: string,
  mounts: ResolvedMount[],
): Promise<ResolvedMount[]> {
  const acquired: ResolvedMount[] = [];
  try {
    for (const mount of mounts) {
      if (mount.type !== "volume") {
        acquired.push(mount);
        continue;
      }
      const name = mount.source || anonymousName();
      const use = {
        id: `${name}/${containerId}`,
        volume: name,
        containerId,
        anonymous: mount.anonymous ?? false,
      };
      const { driver } = await room.lock.run(name, () =>
        make(room, name, mount.creation ?? {}, { anonymous: mount.source === "", use }),
      );
      // "z" is what Docker shows of a local volume without a mode.
      const mode = driver !== "local" && mount.mode === "z" ? "" : mount.mode;
      acquired.push({ ...mount, source: name, driver, mode });
    }
    return acquired;
  } catch (error) {
    await release(room, containerId, { removeAnonymous: true });
    throw error;
  }
}

export async function release(
  room: VolumeRows,
  containerId: string,
  options: { removeAnonymous: boolean },
): Promise<void> {
  const { store, uses, lock } = room;
  await letGo(room, containerId);
  const mine = uses.where("containerId", containerId);
  store.transaction(() => {
    for (const use of mine) uses.delete(use.id);
  });
  if (!options.removeAnonymous) return;
  for (const { volume, anonymous } of mine)
    if (anonymous)
      await lock.run(volume, async () => {
        const record = findRow(room, volume);
        if (record && usersOf(room, volume).length === 0) await take(room, record);
      });
}

/** Unmounts what was mounted for it. A plugin that refuses has its use ended all the same, as in Docker: nothing else would end it. */
export async function letGo(room: VolumeRows, containerId: string): Promise<void> {
  for (const { id, volume, active } of room.uses.where("containerId", containerId))
    if (active)
      await room.lock.run(volume, async () => {
        const use = room.uses.get(id);
        if (use?.active) await endUse(room, use);
      });
}

async function endUse(room: VolumeRows, { mountId = "", path: _, ...use }: VolumeUse): Promise<void> {
  const { uses } = room;
  const record = findRow(room, use.volume);
  const last = !uses.where("volume", use.volume).some(({ active, id }) => active && id !== use.id);
  try {
    if (record) await (await driverOf(room, record)).unmount(record, mountId, last);
  } catch (error) {
    if (record?.driver === "local") throw error;
    log.warn("a volume plugin did not unmount", {
      volume: use.volume,
      plugin: record?.driver,
      error: messageOf(error),
    });
  }
  if (uses.get(use.id)) uses.put({ ...use, active: false });
}

/**
 * The volume's folder on the host, mounted for this user. Errors: "error while mounting volume 'PLACE': …"; unavailable when
 * `giveUp` came meanwhile.
 */
export async function bringUp(room: VolumeRows, containerId: string, name: string): Promise<string> {
  const plain = getRow(room, name);
  if (isPlain(plain)) return room.local.mount(plain, "");
  const wait = new AbortController();
  const reason = `error while mounting volume '${name}': the wait for its driver was given up`;
  room.waiting.set(containerId, () => wait.abort(unavailable(reason)));
  try {
    // Somebody else's mount may hold the lock.
    const turn = room.lock.run(name, () => mountFor(room, containerId, name, wait.signal));
    return await orGivenUp(turn, wait.signal);
  } finally {
    room.waiting.delete(containerId);
  }
}

/** For one who holds the volume's lock. */
async function mountFor(
  room: VolumeRows,
  containerId: string,
  name: string,
  wait: AbortSignal,
): Promise<string> {
  wait.throwIfAborted();
  const record = getRow(room, name);
  const known = room.uses.get(`${name}/${containerId}`);
  if (known?.active && known.path) return known.path; // a copy of its files while it runs
  const mountId = randomBytes(32).toString("hex");
  // Before the call: a daemon that is killed in it has to be known to have mounted.
  const use = known && { ...known, active: true, mountId };
  if (use) room.uses.put(use);
  const mounting = driverOf(room, record).then((driver) => driver.mount(record, mountId));
  try {
    const path = await orGivenUp(mounting, wait);
    if (use) room.uses.put({ ...use, path });
    if (record.driver !== "local" && record.mountpoint !== path)
      room.rows.put({ ...record, mountpoint: path });
    return path;
  } catch (error) {
    if (known) room.uses.put({ ...known, active: false });
    // One that did not answer in time may still have mounted, as has one whose path is none.
    const late = () => unmountLate(room, record, mountId);
    if (record.driver !== "local" && !(error instanceof PluginRefusal)) void mounting.then(late, late);
    const place = record.driver === "local" ? room.local.mountpoint(name) : (record.mountpoint ?? "");
    throw systemError(`error while mounting volume '${place}': ${messageOf(error)}`, error);
  }
}

/** Whoever waits for a mount for this container waits no longer; what is mounted all the same is unmounted. */
export const giveUp = (room: VolumeRows, containerId: string): void => room.waiting.get(containerId)?.();

/** The work's end, or the signal's reason as an error, whichever comes first. */
async function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const give = () => reject(signal.reason);
  signal.addEventListener("abort", give);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", give);
  }
}

async function unmountLate(room: VolumeRows, record: VolumeRecord, mountId: string): Promise<void> {
  try {
    await (await driverOf(room, record)).unmount(record, mountId, false);
  } catch (error) {
    log.warn("a mount that was given up is not undone", { volume: record.id, error: messageOf(error) });
  }
}

export async function realise(
  room: VolumeRows,
  containerId: string,
  mounts: ResolvedMount[],
  ids: { uid: number; gid: number },
): Promise<RealisedMount[]> {
  const { store, scratch, uses } = room;
  const done: RealisedMount[] = [];
  // A container that runs with its volumes keeps them when a copy of its files fails.
  const runsWithThem = uses.where("containerId", containerId).some(({ active }) => active);
  try {
    for (const mount of mounts) {
      if (mount.type === "bind") done.push(await realiseBind(mount, ids));
      else if (mount.type === "tmpfs") done.push({ mount, hostPath: "" });
      else if (mount.type === "image") done.push(realiseImage(mount, store, scratch));
      else done.push(realiseVolume(mount, await bringUp(room, containerId, mount.source), scratch));
    }
    return await withInheritedOptions(done);
  } catch (error) {
    for (const { close } of done) close?.();
    if (!runsWithThem) await letGo(room, containerId);
    throw error;
  }
}

/** A use that is no container's, and ends with the daemon at the latest. */
export async function hold(room: VolumeRows, name: string, what: string): Promise<VolumeHold> {
  const user = `${what} (${randomBytes(4).toString("hex")})`;
  const record = await room.lock.run(name, () => {
    const found = getRow(room, name);
    room.uses.put({ id: `${name}/${user}`, volume: name, containerId: user, anonymous: false });
    return found;
  });
  try {
    const path = await bringUp(room, user, name);
    return { record, path, [Symbol.asyncDispose]: () => release(room, user, { removeAnonymous: false }) };
  } catch (error) {
    await release(room, user, { removeAnonymous: false });
    throw error;
  }
}

// Making and removing volumes. For `local` the row comes before the folder and goes after it; a plugin's volume is made before its row,
// and found again by asking the plugins when a killed daemon came to no row.
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { BerthError, conflict, firstThrown, messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { sizeOf } from "./disk.ts";
import type { DriverVolume, VolumeDriver } from "./driver.ts";
import { pruneFilter } from "./filters.ts";
import { checkLocalOptions, unmountLocal } from "./local-options.ts";
import { checkVolumeName } from "./names.ts";
import type { CreateVolume, VolumeFilters, VolumeRecord, VolumeUse } from "./types.ts";
import { driverOf, findRow, isPlain, noSuchVolume, usersOf, type VolumeRows } from "./volume-rows.ts";

/** Docker's mark on volumes that were made without a name. */
const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

export const anonymousName = (): string => randomBytes(32).toString("hex");

export function createVolume(room: VolumeRows, request: CreateVolume): Promise<VolumeRecord> {
  const anonymous = !request.name;
  const name = request.name || anonymousName();
  return room.lock.run(name, () => make(room, name, request, { anonymous }));
}

/** The volume, and in the same transaction its first use. The caller holds the name's lock. Errors: "create NAME: …". */
export async function make(
  room: VolumeRows,
  name: string,
  request: Omit<CreateVolume, "name">,
  { anonymous, use }: { anonymous: boolean; use?: VolumeUse },
): Promise<VolumeRecord> {
  try {
    const existing = await existingVolume(room, name, request.driver ?? "", anonymous);
    if (existing) {
      putUse(room, use);
      return existing;
    }
    const driver = await room.drivers.get(request.driver ?? "");
    const scope = await driver.scope();
    const record: VolumeRecord = {
      id: name,
      driver: driver.name,
      createdAt: new Date().toISOString(),
      labels: anonymous ? { ...request.labels, [ANONYMOUS_LABEL]: "" } : (request.labels ?? null),
      options: request.options ?? null,
      scope,
      anonymous,
    };
    await (driver === room.local ? makeLocal(room, record, use) : makeByPlugin(room, driver, record, use));
    room.emit("create", record);
    return record;
  } catch (error) {
    throw named("create", name, error);
  }
}

async function makeLocal(room: VolumeRows, record: VolumeRecord, use: VolumeUse | undefined): Promise<void> {
  const { store, rows, uses, local } = room;
  checkVolumeName(record.id);
  checkLocalOptions(record.options ?? {});
  store.transaction(() => {
    rows.put(record);
    putUse(room, use);
  });
  try {
    await local.create(record.id, record.options);
  } catch (error) {
    store.transaction(() => {
      if (use) uses.delete(use.id);
      rows.delete(record.id);
    });
    throw error;
  }
}

async function makeByPlugin(
  room: VolumeRows,
  driver: VolumeDriver,
  record: VolumeRecord,
  use: VolumeUse | undefined,
): Promise<void> {
  await driver.create(record.id, record.options);
  room.store.transaction(() => {
    room.rows.put(record);
    putUse(room, use);
  });
}

/** A container that has it anonymously in one place and by its name in another has it by name. */
function putUse({ uses }: VolumeRows, use: VolumeUse | undefined): void {
  if (!use) return;
  const before = uses.get(use.id);
  uses.put({ ...before, ...use, anonymous: use.anonymous && (before?.anonymous ?? true) });
}

/** The volume of this name, if there is one. Errors: conflict, in Docker's words. */
async function existingVolume(
  room: VolumeRows,
  name: string,
  asked: string,
  anonymous: boolean,
): Promise<VolumeRecord | undefined> {
  const record = findRow(room, name);
  if (!record) return asked === "" && !anonymous ? adopt(room, name) : undefined;
  if (asked !== "") await room.drivers.get(asked); // unknown ones are refused first
  const clash = (why: string, cause?: unknown) => conflict(`${why}: volume name must be unique`, cause);
  if (record.driver !== "local") {
    const found = await driverOf(room, record)
      .then((driver) => driver.get(name))
      .catch((error: unknown) => {
        throw clash(
          `found reference to volume '${name}' in driver '${record.driver}', but got an error while checking the driver: ${messageOf(error)}`,
          error,
        );
      });
    if (!found && usersOf(room, name).length > 0)
      throw clash(
        `found references to volume '${name}' in driver '${record.driver}' but the volume was not found in the driver -- you may need to remove containers referencing this volume or force remove the volume to re-create it`,
      );
    if (!found) {
      room.rows.delete(name);
      return undefined;
    }
  }
  if (asked !== "" && asked !== record.driver)
    throw clash(`driver '${record.driver}' already has volume '${name}'`);
  return record;
}

/** Looks for a volume that was made without us, by asking each plugin, and makes it known. */
export async function adopt(room: VolumeRows, name: string): Promise<VolumeRecord | undefined> {
  const drivers = await room.drivers.plugins();
  const answers = await Promise.all(
    drivers.map(async (driver) => {
      const volume = await driver.get(name, { probe: true }).catch((error: unknown) => {
        log.warn("a volume plugin can't be asked", { plugin: driver.name, error: messageOf(error) });
      });
      return volume?.name === name ? { driver, volume } : undefined;
    }),
  );
  const found = answers.find((answer) => answer !== undefined);
  if (!found) return undefined;
  const record = await adopted(found.driver, found.volume);
  room.rows.put(record);
  return record;
}

/** The row of a volume that a driver has and nobody asked us for. */
export const adopted = async (driver: VolumeDriver, volume: DriverVolume): Promise<VolumeRecord> => ({
  id: volume.name,
  driver: driver.name,
  createdAt: volume.createdAt ?? "0001-01-01T00:00:00Z", // As Docker says of a time that nobody knows
  labels: null,
  options: null,
  scope: await driver.scope(),
  anonymous: false,
  ...(volume.mountpoint !== "" && { mountpoint: volume.mountpoint }),
});

/** Errors: not-found, conflict (in use), those of the driver; in Docker's words. */
export function removeVolume(room: VolumeRows, name: string, { force }: { force: boolean }): Promise<void> {
  return room.lock.run(name, async () => {
    const record = findRow(room, name) ?? (await adopt(room, name));
    if (!record && force) return;
    if (!record) throw noSuchVolume(name);
    const users = usersOf(room, name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    await take(room, record, { force });
  });
}

/**
 * Marked, files away, row away. The caller holds the name's lock and has seen that nobody uses it. By force the row goes though the
 * driver can't be asked, or refuses: its volume is then its own affair.
 */
export async function take(
  room: VolumeRows,
  record: VolumeRecord,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  const { rows, local } = room;
  const { id } = record;
  if (record.driver === "local") {
    unmountLocal(local.mountpoint(id)); // before the mark: what can't be unmounted stays
    rows.put({ ...record, removing: true });
    await local.remove(record);
    rows.delete(id);
    room.emit("destroy", record);
    return;
  }
  try {
    const driver = await driverOf(room, record);
    if (await driver.get(id)) await driver.remove(record);
  } catch (error) {
    if (!force) throw named("remove", id, error);
    log.warn("a volume is forgotten whose driver failed", {
      volume: id,
      driver: record.driver,
      error: messageOf(error),
    });
  }
  rows.delete(id);
  room.emit("destroy", record);
}

/** Docker's prune: plain local volumes alone. */
export async function pruneVolumes(room: VolumeRows, filters: VolumeFilters) {
  const matches = pruneFilter(filters);
  const report = { VolumesDeleted: [] as string[], SpaceReclaimed: 0 };
  for (const { id } of room.rows.all().filter((record) => isPlain(record) && matches(record)))
    await room.lock.run(id, async () => {
      const record = findRow(room, id);
      if (!record || usersOf(room, id).length > 0) return;
      const size = await sizeOf(room.local.mountpoint(id));
      await take(room, record);
      report.VolumesDeleted.push(id);
      report.SpaceReclaimed += size;
    });
  return report;
}

/** After a kill: what was being made for an import goes, what was begun to be removed too, missing folders come. */
export async function settleVolume(room: VolumeRows, record: VolumeRecord): Promise<void> {
  const { local, rows } = room;
  if (record.driver !== "local") {
    if (record.removing) rows.delete(record.id);
  } else if (record.removing) await take(room, record);
  else if (record.making) {
    await local.remove(record);
    rows.delete(record.id);
  } else {
    await local.makeFolder(record.id);
    await rm(`${local.mountpoint(record.id)}.filling`, { recursive: true, force: true });
  }
}

/** An error with what was done to which volume before it, unless it says so itself. */
export function named(verb: string, name: string, error: unknown): BerthError {
  const message = messageOf(error);
  if (message.startsWith(`${verb} ${name}: `) && error instanceof BerthError) return error;
  const first = firstThrown(error);
  const kind = first instanceof BerthError ? first.kind : "system";
  return new BerthError(kind, `${verb} ${name}: ${message}`, { cause: error });
}

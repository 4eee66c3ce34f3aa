// Volumes as the API shows them: the rows, and what plugins say of theirs.
import type { Volume } from "../api/types/index.ts";
import { messageOf, unavailable } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { DriverVolume, VolumeDriver } from "./driver.ts";
import { listFilter } from "./filters.ts";
import { adopt, adopted } from "./make-remove.ts";
import type { VolumeFilters, VolumeRecord } from "./types.ts";
import { driverOf, findRow, noSuchVolume, usersOf, type VolumeRows } from "./volume-rows.ts";

export function toApi({ local }: VolumeRows, record: VolumeRecord, said?: DriverVolume): Volume {
  const { id, driver, createdAt, labels, options, scope, mountpoint = "" } = record;
  return {
    CreatedAt: (said?.createdAt ?? createdAt).replace(/\.\d+(?=Z|[+-])/, ""),
    Driver: driver,
    // Docker says null for none; the vocabulary's type doesn't know that.
    Labels: labels as Volume["Labels"],
    Mountpoint: driver === "local" ? local.mountpoint(id) : (said?.mountpoint ?? mountpoint),
    Name: id,
    Options: options as Volume["Options"],
    Scope: scope,
    ...(said?.status && Object.keys(said.status).length > 0 && { Status: said.status as Volume["Status"] }),
  };
}

export async function inspect(room: VolumeRows, name: string): Promise<Volume> {
  const record = findRow(room, name) ?? (await adopt(room, name));
  if (!record) throw noSuchVolume(name);
  if (record.driver === "local") return toApi(room, record);
  const said = await ask(room, record);
  if (said) return toApi(room, record, said);
  // Gone behind our back. While containers have it the row stays, and says why they can't start.
  if (usersOf(room, name).length === 0) room.rows.delete(name);
  throw noSuchVolume(name);
}

async function ask(room: VolumeRows, record: VolumeRecord): Promise<DriverVolume | undefined> {
  try {
    return await (await driverOf(room, record)).get(record.id);
  } catch (error) {
    const { id, driver } = record;
    throw unavailable(
      `get ${id}: error while checking if volume ${JSON.stringify(id)} exists in driver ${JSON.stringify(driver)}: ${messageOf(error)}`,
      error,
    );
  }
}

export async function list(
  room: VolumeRows,
  filters: VolumeFilters,
): Promise<{ volumes: Volume[]; warnings: string[] }> {
  const matches = listFilter(filters, (name) => usersOf(room, name).length > 0);
  const wanted = (driver: string) => !filters.driver?.length || filters.driver.includes(driver);
  const records = room.rows.all().filter(({ removing, making }) => !removing && !making);
  const plugins = (await room.drivers.plugins()).filter(({ name }) => wanted(name));
  const answers = await Promise.all(plugins.map((driver) => volumesOf(room, driver)));
  const failed = answers.filter((answer) => answer.warning !== undefined);
  const asked = new Set(plugins.map(({ name }) => name));
  const silent = new Set(failed.map(({ driver }) => driver));
  // Rows of plugins that can't be asked are shown as they were; of the others only what they still have.
  const own = records.filter(({ driver }) => driver === "local" || !asked.has(driver) || silent.has(driver));
  const volumes = own.filter(matches).map((record) => toApi(room, record));
  for (const answer of answers)
    for (const { record, said } of answer.volumes)
      if (matches(record)) volumes.push(toApi(room, record, said));
  const gone = new Set(
    own.map(({ driver }) => driver).filter((name) => name !== "local" && !asked.has(name) && wanted(name)),
  );
  return {
    volumes,
    warnings: [
      ...failed.map(({ warning = "" }) => warning),
      ...[...gone].map((name) => `list ${name}: plugin ${JSON.stringify(name)} not found`),
    ],
  };
}

interface Answer {
  driver: string;
  volumes: { record: VolumeRecord; said: DriverVolume }[];
  warning?: string;
}

async function volumesOf(room: VolumeRows, driver: VolumeDriver): Promise<Answer> {
  try {
    const said = await driver.list();
    const volumes: Answer["volumes"] = [];
    for (const volume of said) {
      const row = room.rows.get(volume.name);
      if (row && row.driver !== driver.name) {
        log.warn("a plugin has a volume of a name that another driver's has", {
          volume: volume.name,
          plugin: driver.name,
        });
        continue;
      }
      if (row?.removing) continue;
      volumes.push({ record: row ?? (await adopted(driver, volume)), said: volume });
    }
    return { driver: driver.name, volumes };
  } catch (error) {
    return { driver: driver.name, volumes: [], warning: `list ${driver.name}: ${messageOf(error)}` };
  }
}

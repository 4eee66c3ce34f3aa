// The rows of volumes and of their uses, and what every part of the room works with.
//
// A volume's row is the truth for the driver `local`; of a plugin's volume it has what Docker's API says beyond the plugin's own
// words. Changes of one volume follow each other: whoever makes some holds its name's lock.
import { notFound } from "../base/errors.ts";
import type { KeyedLock } from "../base/keyed-lock.ts";
import type { Documents, Store } from "../store/types.ts";
import type { VolumeDriver } from "./driver.ts";
import type { VolumeDrivers } from "./drivers.ts";
import type { localDriver } from "./local-driver.ts";
import { needsMount } from "./local-options.ts";
import type { VolumeEvent, VolumeRecord, VolumeUse } from "./types.ts";

export interface VolumeRows {
  store: Store;
  rows: Documents<VolumeRecord>;
  uses: Documents<VolumeUse>;
  lock: KeyedLock;
  drivers: VolumeDrivers;
  local: ReturnType<typeof localDriver>;
  /** Ends the wait for a mount, by the container that it is for. */
  waiting: Map<string, () => void>;
  /** Where subpaths and images are mounted until a runtime has bound them. */
  scratch: string;
  emit(event: VolumeEvent, volume: VolumeRecord): void;
}

/** Not one that is being made or removed. */
export function findRow({ rows }: VolumeRows, name: string): VolumeRecord | undefined {
  const record = rows.get(name);
  return record?.removing || record?.making ? undefined : record;
}

/** Errors: not-found. */
export function getRow(room: VolumeRows, name: string): VolumeRecord {
  const record = findRow(room, name);
  if (!record) throw noSuchVolume(name);
  return record;
}

/** In Docker's words, which leave out a name that is empty. */
export const noSuchVolume = (name: string) => notFound(`get${name && ` ${name}`}: no such volume`);

export const usersOf = ({ uses }: VolumeRows, name: string): string[] =>
  uses.where("volume", name).map(({ containerId }) => containerId);

/** A folder of ours and nothing else. */
export const isPlain = ({ driver, options }: VolumeRecord): boolean =>
  driver === "local" && !needsMount(options ?? {});

/** Of a volume that there is: its plugin may be on its way up. */
export const driverOf = ({ drivers }: VolumeRows, { driver }: VolumeRecord): Promise<VolumeDriver> =>
  drivers.get(driver, { wait: true });

// What a volume driver does: `local` (local-driver.ts), and each plugin (plugins/plugin-driver.ts). Who uses which volume, and what is
// remembered of it, is the room's (index.ts), which calls a driver for one volume one call after the other.
import type { VolumeRecord } from "./types.ts";

export interface VolumeDriver {
  readonly name: string;
  /** Whether its volumes are seen by other hosts too. */
  scope(): Promise<"local" | "global">;
  /** Safe to call again. Errors: invalid and system, as the driver says them. */
  create(name: string, options: Record<string, string> | null): Promise<void>;
  remove(volume: VolumeRecord): Promise<void>;
  /** The host's path of the files, which stay there until unmount. `id` is the user's, the same for its unmount. */
  mount(volume: VolumeRecord, id: string): Promise<string>;
  /** `last`: nobody else has it mounted. */
  unmount(volume: VolumeRecord, id: string, last: boolean): Promise<void>;
  /** Undefined: it has none of this name. Errors: unavailable, when it can't be asked. */
  get(name: string, options?: { probe?: boolean }): Promise<DriverVolume | undefined>;
  /** Errors: unavailable, and what the driver says. */
  list(): Promise<DriverVolume[]>;
}

/** What a driver says of a volume. */
export interface DriverVolume {
  name: string;
  /** The host's path; empty: it says none now. */
  mountpoint: string;
  /** RFC 3339. */
  createdAt?: string;
  status?: Record<string, unknown>;
}

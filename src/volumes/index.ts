// The volumes room's door: named volumes and the mounts of containers.
import type { HostEnvironment } from "../base/environment.ts";
import { notImplemented } from "../base/errors.ts";
import type { Store } from "../store/types.ts";
import type { Volumes } from "./types.ts";

/** Opens the volumes below the data root; finishes or undoes what a killed daemon left half-made. */
export async function openVolumes(_rooms: { store: Store; environment: HostEnvironment }): Promise<Volumes> {
  throw notImplemented("openVolumes");
}

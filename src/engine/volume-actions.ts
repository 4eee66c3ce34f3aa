// The volumes room's verbs that change something, with their events.
import type { VolumeRecord } from "../volumes/types.ts";
import type { Engine, Filters, PruneReport } from "./types.ts";

export async function createVolume(
  { volumes, events }: Engine,
  request: Parameters<Engine["volumes"]["create"]>[0],
): Promise<VolumeRecord> {
  const known = new Set(volumes.list().map(({ id }) => id));
  const record = await volumes.create(request);
  if (!known.has(record.id)) events.publish("volume", "create", record.id, { driver: record.driver });
  return record;
}

export async function removeVolume(
  { volumes, events }: Engine,
  name: string,
  options: { force: boolean },
): Promise<void> {
  const known = volumes.list().some(({ id }) => id === name);
  await volumes.remove(name, options);
  if (known) events.publish("volume", "destroy", name, { driver: "local" });
}

export async function pruneVolumes({ volumes, events }: Engine, filters: Filters): Promise<PruneReport> {
  const report = await volumes.prune(filters);
  for (const name of report.VolumesDeleted) events.publish("volume", "destroy", name, { driver: "local" });
  events.publish("volume", "prune", "", { reclaimed: String(report.SpaceReclaimed) });
  return { deleted: report.VolumesDeleted, spaceReclaimed: report.SpaceReclaimed };
}

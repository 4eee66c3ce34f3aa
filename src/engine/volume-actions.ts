// The volumes room's verbs, with the events that the room doesn't know.
import type { Engine, Filters, PruneReport } from "./types.ts";

export async function pruneVolumes({ volumes, events }: Engine, filters: Filters): Promise<PruneReport> {
  const report = await volumes.prune(filters);
  events.publish("volume", "prune", "", { reclaimed: String(report.SpaceReclaimed) });
  return { deleted: report.VolumesDeleted, spaceReclaimed: report.SpaceReclaimed };
}

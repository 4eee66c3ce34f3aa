// Who uses which volume, and how much it has: what Berth's `volume ls` shows beyond Docker's list.
import type { Volume } from "../api/types/index.ts";
import type { ContainerId } from "../containers/types.ts";
import type { Engine, Filters } from "./types.ts";

/** A volume with what is known of its use. */
export type UsedVolume = Volume & {
  UsageData: { /** Bytes; -1: nobody knows */ Size: number; RefCount: number };
  /** Names of containers; of other uses, what they are. */
  UsedBy: string[];
};

/** `size`: files are counted, which takes a while. */
export async function listUsedVolumes(
  engine: Engine,
  filters: Filters,
  { size }: { size: boolean },
): Promise<{ volumes: UsedVolume[]; warnings: string[] }> {
  const { volumes, warnings } = await engine.volumes.list(filters);
  const used = await Promise.all(
    volumes.map(async (volume) => {
      const users = engine.volumes.usersOf(volume.Name);
      const bytes = size ? await engine.volumes.usage(volume.Name) : undefined;
      return {
        ...volume,
        UsageData: { Size: bytes ?? -1, RefCount: users.length },
        UsedBy: users.map((id) => nameOf(engine, id)).sort(),
      };
    }),
  );
  return { volumes: used, warnings };
}

const nameOf = ({ containers }: Engine, id: string): string => containers.get(id as ContainerId)?.name ?? id;

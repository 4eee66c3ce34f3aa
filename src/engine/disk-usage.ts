// GET /system/df: what images, containers and volumes take on the disk.
import type { ContainerSummary, Volume } from "../api/types/index.ts";
import { imagesDiskUsage, listImages } from "../images/index.ts";
import { buildCacheUsage } from "./build-cache.ts";
import { imageUsers } from "./image-actions.ts";
import { listContainers } from "./list-containers.ts";
import type { DiskUsage, Engine } from "./types.ts";

export type DiskUsageType = "container" | "image" | "volume" | "build-cache";

/** Only the types asked for are looked at (none named: all); the others are null. */
export async function diskUsage(engine: Engine, types: ReadonlySet<DiskUsageType>): Promise<DiskUsage> {
  const wants = (type: DiskUsageType) => types.size === 0 || types.has(type);
  const [images, layers, containers, volumes] = await Promise.all([
    wants("image")
      ? listImages(engine, { all: false, sharedSize: true, inUse: (id) => imageUsers(engine, id) })
      : null,
    wants("image") ? imagesDiskUsage(engine) : null,
    wants("container") ? listContainers(engine, { all: true, size: true, filters: {} }) : null,
    wants("volume") ? volumeUsage(engine) : null,
  ]);
  return {
    LayersSize: layers?.layersSize ?? 0,
    Images: images,
    Containers: containers?.map(withoutManifest) ?? null,
    Volumes: volumes,
    BuildCache: wants("build-cache") ? await buildCacheUsage(engine) : null,
  };
}

/** Which of an image's platforms it runs is told in lists alone. */
function withoutManifest({ ImageManifestDescriptor: _, ...summary }: ContainerSummary): ContainerSummary {
  return summary;
}

/** As Docker, only those that are folders of ours: what others are takes none of this disk, or nobody knows how much. */
async function volumeUsage({ volumes }: Engine): Promise<Volume[]> {
  const listed = await volumes.list({ driver: ["local"] });
  const used = await Promise.all(
    listed.volumes.map(async (volume) => {
      const size = await volumes.usage(volume.Name);
      return size === undefined
        ? []
        : [{ ...volume, UsageData: { RefCount: volumes.usersOf(volume.Name).length, Size: size } }];
    }),
  );
  return used.flat();
}

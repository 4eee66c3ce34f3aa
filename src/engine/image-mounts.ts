// `--mount type=image`: which image each name means, unpacked, and kept as long as the container is.
import type { Platform } from "../oci/types.ts";
import type { SnapshotId } from "../store/types.ts";
import type { ResolvedMount } from "../volumes/types.ts";
import type { Engine } from "./types.ts";

/** Those that came with `--volumes-from` stay what they are there. Errors: not-found "No such image: X", as Docker's. */
export async function resolveImageMounts(
  engine: Engine,
  mounts: ResolvedMount[],
  platform: Platform | undefined,
): Promise<ResolvedMount[]> {
  return Promise.all(
    mounts.map(async (mount) => {
      if (mount.type !== "image" || mount.image) return mount;
      const found = await engine.images.ensureUnpacked(await engine.images.resolve(mount.source, platform));
      const snapshot = found.chain && engine.store.snapshots.layer(found.chain);
      const image = {
        id: found.id,
        manifest: found.manifestDescriptor.digest,
        ...(snapshot && { snapshot }),
      };
      return { ...mount, image };
    }),
  );
}

/** What the store has to keep for them. */
export function needsOf(mounts: ResolvedMount[]) {
  const images = mounts.flatMap(({ image }) => image ?? []);
  return {
    digests: images.flatMap(({ id, manifest }) => [id, manifest]),
    snapshots: images.flatMap(({ snapshot }): SnapshotId[] => (snapshot ? [snapshot] : [])),
  };
}

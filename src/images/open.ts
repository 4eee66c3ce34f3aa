// The Images interface over a store: what the room's operations share while the daemon runs is made here.
import { availableParallelism } from "node:os";
import { commitImage } from "./commit.ts";
import type { ImageContext } from "./context.ts";
import { Downloads } from "./downloads.ts";
import { importImage } from "./import.ts";
import { Layers } from "./layers.ts";
import { loadImages } from "./load.ts";
import { pullImage } from "./pull.ts";
import { pushImage } from "./push.ts";
import { tagImage } from "./records.ts";
import { removeImage } from "./remove.ts";
import { ensureUnpacked, resolveImage, resolveManifest } from "./resolve.ts";
import { saveImages } from "./save.ts";
import type { Images } from "./types.ts";

/** Opens the room. Nothing runs until a verb is called. */
export function openImages(context: ImageContext): Images {
  const { store, config } = context;
  const downloads = new Downloads(store, {
    concurrent: config.maxConcurrentDownloads,
    attempts: config.maxDownloadAttempts,
  });
  const layers = new Layers(store, downloads, availableParallelism());
  return {
    resolve: (reference, platform) => resolveImage(context, reference, platform),
    resolveManifest: (descriptor) => resolveManifest(context, descriptor),
    ensureUnpacked: (image) => ensureUnpacked(context, layers, image),
    pull: (reference, options) => pullImage(context, { downloads, layers }, reference, options),
    push: (reference, options) => pushImage(context, reference, options),
    load: (archive, options) => loadImages(context, layers, archive, options),
    save: (references, options) => saveImages(context, references, options),
    import: (archive, options) => importImage(context, archive, options),
    commit: (options) => commitImage(context, options),
    tag: async (source, target) => tagImage(context, source, target),
    remove: (reference, options) => removeImage(context, reference, options),
  };
}

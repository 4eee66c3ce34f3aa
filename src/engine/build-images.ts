// The builder's way to this engine's images: bases come from here, results go here.

import { isKind, messageOf, notFound } from "../base/errors.ts";
import type { BaseImage, BaseLayer, ImageAccess, ProgressOptions } from "../builder/types.ts";
import { recordBuilt } from "../images/index.ts";
import type { Progress, ResolvedImage } from "../images/types.ts";
import { chainIds } from "../oci/digest.ts";
import { runnablePlatforms } from "../oci/platform.ts";
import { canonical, familiar, parseReference, withDefaultTag } from "../oci/reference.ts";
import { isManifest, type Platform } from "../oci/types.ts";
import type { Engine } from "./types.ts";

type Rooms = Pick<Engine, "store" | "images" | "config" | "environment" | "onImageEvent">;

export function buildImages(rooms: Rooms): ImageAccess {
  const { images, store } = rooms;
  return {
    async resolve(reference, platform, options) {
      const name = canonical(withDefaultTag(parseReference(reference)));
      const find = () => findFor(images, name, platform);
      if (options.mode !== "pull") {
        try {
          return await baseOf(store, reference, await find(), options.auth);
        } catch (error) {
          if (!isKind(error, "not-found")) throw error;
        }
      }
      const auth = await options.auth(parseReference(name).domain);
      try {
        // As people write it: so the images that come with Berth are known by it.
        await images.pull(familiar(parseReference(name)), {
          platform,
          ...(auth && { auth }),
          progress: pullProgress(options.progress),
          signal: options.signal,
        });
      } catch (error) {
        options.signal.throwIfAborted();
        const reason = messageOf(error).replace(/^failed to resolve reference "[^"]*": /, "");
        throw notFound(`failed to resolve source metadata for ${name}: ${reason}`, error);
      }
      return await baseOf(store, reference, await find(), options.auth);
    },
    async unpack(image, lease, { progress }) {
      const found = await images.resolveManifest(image.manifest);
      const part = store.snapshots.layer(found.chain ?? ("" as never)) ? undefined : found.chain;
      if (part) progress({ id: part, action: "extracting" });
      const ready = await images.ensureUnpacked(found);
      if (part) progress({ id: part, action: "extracting", done: true });
      return layersOf(store, ready, lease);
    },
    record: (name, target) => recordBuilt(rooms, name, target),
    push: (name, { progress, signal, auth }) =>
      images.push(name, { ...(auth && { auth }), progress: pullProgress(progress), signal }),
  };
}

/**
 * The best of what runs on the platform; an image of one platform alone is taken whatever that is, as BuildKit does, whose
 * frontend warns of it. Errors: not-found.
 */
async function findFor(images: Engine["images"], name: string, platform: Platform): Promise<ResolvedImage> {
  for (const fit of runnablePlatforms(platform))
    try {
      return await images.resolve(name, fit);
    } catch (error) {
      if (!isKind(error, "not-found")) throw error;
    }
  const any = await images.resolve(name);
  if (isManifest(any.record.target.mediaType)) return any;
  return await images.resolve(name, platform);
}

async function baseOf(
  store: Engine["store"],
  reference: string,
  image: ResolvedImage,
  auth: BaseImage["auth"],
): Promise<BaseImage> {
  return {
    reference,
    root: image.id,
    manifest: image.manifestDescriptor,
    config: image.config,
    configBytes: await store.content.read(image.manifest.config.digest),
    platform: image.platform,
    chain: image.chain,
    auth,
  };
}

function layersOf(
  store: Engine["store"],
  { manifest, config }: ResolvedImage,
  lease: Parameters<ImageAccess["unpack"]>[1],
): BaseLayer[] {
  const diffIds = config.rootfs?.diff_ids ?? [];
  return chainIds(diffIds).map((chain, at) => {
    const snapshot = store.snapshots.layer(chain);
    const descriptor = manifest.layers[at];
    const diffId = diffIds[at];
    if (!snapshot || !descriptor || !diffId) throw notFound(`layer ${chain} was removed while it was needed`);
    store.leases.hold(lease, { snapshot });
    store.leases.hold(lease, { digest: descriptor.digest });
    return { snapshot, blob: { descriptor, diffId } };
  });
}

const ACTIONS: Record<string, string> = {
  Downloading: "downloading",
  Extracting: "extracting",
  Pushing: "pushing",
};

/** Docker's lines of progress as parts of a vertex. */
function pullProgress(progress: ProgressOptions["progress"]): Progress {
  return ({ id, status, progressDetail }) => {
    if (!id || !status) return;
    const action = ACTIONS[status];
    const { current, total } = progressDetail ?? {};
    if (action) progress({ id, action, current, total });
    else if (status === "Pull complete" || status === "Already exists" || status === "Pushed")
      progress({ id, action: "done", done: true });
  };
}

// From a name to an image that can be run: its record, the manifest that suits, its config, its unpacked stack.
import { notFound } from "../base/errors.ts";
import type { Descriptor, Platform } from "../oci/types.ts";
import { withLease } from "../store/index.ts";
import type { ImageContext } from "./context.ts";
import { stackOf } from "./fetch-manifests.ts";
import type { Layers } from "./layers.ts";
import { bestManifest, chainOf, inspectManifest, isLayer } from "./manifests.ts";
import { resolveRecord } from "./names.ts";
import type { ResolvedImage } from "./types.ts";

/** Errors: not-found, for the image or for the platform. */
export async function resolveImage(
  { store, environment }: ImageContext,
  reference: string,
  platform?: Platform,
): Promise<ResolvedImage> {
  const record = resolveRecord(store.images, reference);
  const best = await bestManifest(store.content, record, platform, environment.platform);
  return {
    record,
    id: record.target.digest,
    manifestDescriptor: best.descriptor,
    manifest: best.manifest,
    config: best.config,
    platform: best.platform,
    chain: chainOf(best.config).at(-1),
  };
}

/** A manifest in the content store that needs no name. Errors: not-found, where a part of it isn't here. */
export async function resolveManifest(
  { store }: Pick<ImageContext, "store">,
  descriptor: Descriptor,
): Promise<ResolvedImage> {
  const { manifest, config, platform } = await inspectManifest(store.content, descriptor);
  if (!manifest || !config || !platform)
    throw notFound(`manifest ${descriptor.digest} or its config isn't here`);
  const now = new Date().toISOString();
  return {
    record: { name: "", target: descriptor, createdAt: now, updatedAt: now, labels: {} },
    id: descriptor.digest,
    manifestDescriptor: descriptor,
    manifest,
    config,
    platform,
    chain: chainOf(config).at(-1),
  };
}

/** Unpacks what isn't, as of an image that was loaded for another platform. One look when all is there. */
export async function ensureUnpacked(
  { store }: ImageContext,
  layers: Layers,
  image: ResolvedImage,
): Promise<ResolvedImage> {
  if (image.chain === undefined || store.snapshots.layer(image.chain)) return image;
  await withLease(store, `unpack ${image.id}`, async (lease) => {
    await unpackPresent({ store }, layers, image, lease, new AbortController().signal);
  });
  return image;
}

/** Unpacks an image whose blobs are all here, and notes it at its manifest so that its layers are kept. */
export async function unpackPresent(
  { store }: Pick<ImageContext, "store">,
  layers: Layers,
  image: Pick<ResolvedImage, "manifest" | "config" | "manifestDescriptor">,
  lease: Parameters<Layers["unpackStack"]>[1],
  signal: AbortSignal,
): Promise<void> {
  if (!image.manifest.layers.some(({ mediaType }) => isLayer(mediaType))) return;
  const noop = () => undefined;
  const stack = stackOf(image.manifest, image.config).map((layer) => ({
    ...layer,
    unpacking: noop,
    unpacked: noop,
  }));
  const top = await layers.unpackStack(stack, lease, signal);
  const { digest } = image.manifestDescriptor;
  if (top) store.content.setLabels(digest, { ...store.content.info(digest)?.labels, unpacked: top });
}

// A result as blobs of the content store: layers, config and manifest of each platform; an index where there are several, or
// where something is attested of them (BuildKit, exporter/containerimage/writer.go).
import { invalid } from "../../base/errors.ts";
import { chainIds, digestOf } from "../../oci/digest.ts";
import { encodeJson } from "../../oci/json.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  MEDIA,
  type Platform,
} from "../../oci/types.ts";
import type { LeaseId, Store } from "../../store/types.ts";
import { layerMediaType } from "../layers/compression.ts";
import { clampedLayerBlobs, layerBlobs } from "../layers/layer-blobs.ts";
import type { ExportedPlatform, LayerBlob } from "../types.ts";
import { annotationsOf, checkAnnotations, hasLevel } from "./annotations.ts";
import { storeAttestations } from "./attestations/manifest.ts";
import { type ExportInput, type ExportSteps, isMultiPlatform, platformText } from "./exporter.ts";
import { fitConfig, instant } from "./image-config.ts";
import { readEpoch, type WriterOptions } from "./image-options.ts";

export interface StoredImage {
  target: Descriptor;
  /** Of an image of one platform. */
  config?: Descriptor;
  epoch?: number;
}

interface StoredPlatform {
  platform: ExportedPlatform;
  manifest: Descriptor;
  config: Descriptor;
}

/** The lease holds all of it after. Errors: invalid, for options that the result doesn't fit. */
export async function storeResult(
  store: Store,
  input: ExportInput,
  steps: ExportSteps,
  asked: WriterOptions,
): Promise<StoredImage> {
  const { platforms, metadata } = input;
  const [only] = platforms;
  if (!only) throw invalid("a build without a result can't be exported");
  // An index that is made anyway has what is meant for images alone, too.
  const several = isMultiPlatform(platforms);
  const attested = platforms.some(({ attestations = [] }) =>
    attestations.some(({ inlineOnly }) => several || asked.inline || !inlineOnly),
  );
  const epoch = asked.epoch ?? epochOf(metadata);
  const options = { ...asked, oci: asked.oci || attested, ...(epoch !== undefined && { epoch }) };
  checkAnnotations(asked.annotations, platforms.map(platformText));
  const indexed = attested || several;
  if (!indexed && hasLevel(asked.annotations, "index", "index-descriptor"))
    throw invalid("index annotations not supported for single platform export");
  const stacks = await exportLayers(store, input, steps, options);
  const made: StoredPlatform[] = [];
  const attestations: Descriptor[] = [];
  const context = { ...options, input, steps };
  for (const [at, platform] of platforms.entries()) {
    const layers = stacks[at] ?? [];
    const own = await storePlatform(store, platform, layers, context);
    made.push(own);
    if (attested && platform.attestations?.length)
      attestations.push(await storeAttestations(store, { ...own, layers }, context));
  }
  const stored = indexed
    ? { target: await storeIndex(store, made, attestations, context) }
    : { target: { ...made[0]!.manifest, platform: inOrder(only.platform) }, config: made[0]!.config };
  return { ...stored, ...(epoch !== undefined && { epoch }) };
}

/** Of a build for several platforms it is that of all. */
function epochOf(metadata: ReadonlyMap<string, Uint8Array>): number | undefined {
  const bytes = metadata.get("source.date.epoch");
  return bytes && readEpoch(Buffer.from(bytes).toString(), "SOURCE_DATE_EPOCH from frontend");
}

async function exportLayers(
  store: Store,
  input: ExportInput,
  steps: ExportSteps,
  options: WriterOptions,
): Promise<(readonly LayerBlob[])[]> {
  const { epoch, compression, rewriteTimestamp } = options;
  const { lease, signal } = input;
  if (!rewriteTimestamp || epoch === undefined)
    return await steps.step("exporting layers", () =>
      Promise.all(
        input.platforms.map(async ({ ref }) =>
          (await layerBlobs(store, await ref?.snapshot(), { lease, signal, compression })).map(
            ({ blob }) => blob,
          ),
        ),
      ),
    );
  const latest = instant(epoch).replace("T", " ").replace("Z", " +0000 UTC");
  return await steps.step(`rewriting layers with source-date-epoch ${epoch} (${latest})`, () =>
    Promise.all(
      input.platforms.map(async ({ ref, id }) =>
        clampedLayerBlobs(store, await ref?.snapshot(), {
          lease,
          signal,
          compression,
          latest: epoch,
          immutable: baseConfigOf(input, id)?.rootfs?.diff_ids?.length ?? 0,
        }),
      ),
    ),
  );
}

function baseConfigOf({ metadata }: ExportInput, id: string): ImageConfig | undefined {
  const bytes =
    metadata.get(`containerimage.base.config/${id}`) ?? metadata.get("containerimage.base.config");
  return bytes && (JSON.parse(Buffer.from(bytes).toString()) as ImageConfig);
}

type Context = WriterOptions & { input: ExportInput; steps: ExportSteps };

async function storePlatform(
  store: Store,
  platform: ExportedPlatform,
  layers: readonly LayerBlob[],
  { oci, epoch, annotations, input, steps }: Context,
): Promise<StoredPlatform> {
  const { lease } = input;
  const base = baseConfigOf(input, platform.id);
  const inlineCache =
    input.inlineCache &&
    (await steps.step("preparing layers for inline cache", async () => input.inlineCache?.(platform.id)));
  const configBytes = fitConfig(platform.configBytes, layers, {
    platform: platform.platform,
    ...(epoch !== undefined && { epoch }),
    ...(base && { base }),
    ...(inlineCache && { inlineCache }),
  });
  const config = describe(configBytes, oci ? MEDIA.ociConfig : MEDIA.dockerConfig);
  const own = annotationsOf(annotations, "manifest", platformText(platform));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: oci ? MEDIA.ociManifest : MEDIA.dockerManifest,
    config,
    layers: layers.map(({ descriptor: { digest, size, mediaType } }) => ({
      mediaType: layerMediaType(mediaType, oci),
      digest,
      size,
    })),
    ...(own && { annotations: own }),
  };
  const bytes = encodeJson(manifest, 2);
  const stored = describe(bytes, manifest.mediaType as string);
  await steps.step(`exporting manifest ${stored.digest}`, () => store.content.put(bytes, lease));
  await steps.step(`exporting config ${config.digest}`, () => store.content.put(configBytes, lease));
  // A container of it finds its layers unpacked, and they are kept as long as the manifest is.
  const top = chainIds(layers.map(({ diffId }) => diffId)).at(-1);
  if (top && store.snapshots.layer(top))
    store.content.setLabels(stored.digest, { ...store.content.info(stored.digest)?.labels, unpacked: top });
  const described = annotationsOf(annotations, "manifest-descriptor", platformText(platform));
  return { platform, manifest: { ...stored, ...(described && { annotations: described }) }, config };
}

async function storeIndex(
  store: Store,
  made: readonly StoredPlatform[],
  attestations: readonly Descriptor[],
  { annotations, input, oci, steps }: Context,
): Promise<Descriptor> {
  const images = made.map(({ manifest, platform }) => ({
    ...manifest,
    platform: inOrder(platform.platform),
  }));
  const own = annotationsOf(annotations, "index");
  const index: Index = {
    schemaVersion: 2,
    mediaType: oci ? MEDIA.ociIndex : MEDIA.dockerList,
    manifests: [...images, ...attestations],
    ...(own && { annotations: own }),
  };
  const bytes = encodeJson(index, 2);
  const target = describe(bytes, index.mediaType as string);
  await steps.step(`exporting manifest list ${target.digest}`, () => store.content.put(bytes, input.lease));
  const described = annotationsOf(annotations, "index-descriptor");
  return { ...target, ...(described && { annotations: described }) };
}

export const describe = (bytes: Uint8Array, mediaType: string): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

export const putJson = async (
  store: Store,
  bytes: Uint8Array,
  mediaType: string,
  lease: LeaseId,
): Promise<Descriptor> => {
  await store.content.put(bytes, lease);
  return describe(bytes, mediaType);
};

/** As Go orders a platform's fields. */
const inOrder = ({ architecture, os, ...more }: Platform): Platform => ({
  architecture,
  os,
  ...(more["os.version"] && { "os.version": more["os.version"] }),
  ...(more["os.features"] && { "os.features": more["os.features"] }),
  ...(more.variant && { variant: more.variant }),
});

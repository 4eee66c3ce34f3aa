// The exporter `image` (Docker's `moby` too): the result as an image of this engine, named, and sent to its registry if asked.
import { invalid } from "../../base/errors.ts";
import { chainIds, digestOf } from "../../oci/digest.ts";
import { canonical, parseReference, withDefaultTag } from "../../oci/reference.ts";
import { type Descriptor, type Index, type Manifest, MEDIA } from "../../oci/types.ts";
import type { LeaseId, Store } from "../../store/types.ts";
import { layerBlobs } from "../layers/layer-blobs.ts";
import { credentialsOf } from "../session/credentials.ts";
import type { BuildHost, ExportedPlatform, ExporterResponse } from "../types.ts";
import { type Annotations, annotationsFor, readAnnotations } from "./annotations.ts";
import type { Exporter, ExportInput, ExportSteps } from "./exporter.ts";
import { fitConfig } from "./image-config.ts";

export interface ImageOptions {
  /** Canonical, with tags. */
  names: string[];
  push: boolean;
  pushByDigest: boolean;
  insecure: boolean;
  /** `oci-mediatypes`: else Docker's. */
  oci: boolean;
  annotations: Annotations;
}

/** Errors: invalid, for options that are not known or are no names. */
export function imageExporter(attributes: Readonly<Record<string, string>>, host: BuildHost): Exporter {
  const options = readOptions(attributes);
  return {
    title: "exporting to image",
    export: (input, steps) => exportImage(host, options, input, steps),
  };
}

function readOptions(attributes: Readonly<Record<string, string>>): ImageOptions {
  const compression = attributes.compression ?? "gzip";
  if (compression !== "gzip")
    throw invalid(`compression=${compression} is not implemented in Berth: leave it out for gzip`);
  const names = (attributes.name ?? "").split(",").filter((name) => name !== "");
  return {
    names: names.map((name) => canonical(withDefaultTag(parseReference(name)))),
    push: flagOf(attributes.push),
    pushByDigest: flagOf(attributes["push-by-digest"]),
    insecure: flagOf(attributes["registry.insecure"]),
    oci: flagOf(attributes["oci-mediatypes"], true),
    annotations: readAnnotations(attributes),
  };
}

export const flagOf = (value: string | undefined, fallback = false): boolean =>
  value === undefined ? fallback : value === "" || /^(?:1|t|true)$/i.test(value);

async function exportImage(
  host: BuildHost,
  options: ImageOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  const image = await storeResult(host.store, input, steps, options);
  for (const name of options.names)
    await steps.step(`naming to ${name}`, async () => host.images.record(name, image.target));
  if (options.names.length === 0) host.images.record(undefined, image.target);
  if (options.push) await push(host, options, input, steps);
  return {
    "containerimage.digest": image.target.digest,
    ...(image.config && { "containerimage.config.digest": image.config.digest }),
    "containerimage.descriptor": Buffer.from(JSON.stringify(image.target)).toString("base64"),
    ...(options.names.length > 0 && { "image.name": options.names.join(",") }),
  };
}

async function push(
  host: BuildHost,
  { names, insecure }: ImageOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<void> {
  if (names.length === 0) throw invalid("tag is needed when pushing to registry");
  for (const name of names) {
    const auth = await credentialsOf(input, parseReference(name).domain);
    await steps.step(`pushing ${name}`, () =>
      host.images.push(name, { progress: () => {}, signal: input.signal, insecure, ...(auth && { auth }) }),
    );
  }
}

export interface StoredImage {
  target: Descriptor;
  /** Of an image of one platform. */
  config?: Descriptor;
}

/** The result as blobs of the content store: layers, config, manifest; an index for several platforms. */
export async function storeResult(
  store: Store,
  input: ExportInput,
  steps: ExportSteps,
  options: Pick<ImageOptions, "oci" | "annotations">,
): Promise<StoredImage> {
  const stacks = await steps.step("exporting layers", () =>
    Promise.all(input.platforms.map(async ({ ref }) => layerBlobs(store, await ref?.snapshot(), input))),
  );
  const made = [];
  for (const [at, platform] of input.platforms.entries())
    made.push(
      await storePlatform(store, platform, stacks[at] ?? [], { ...options, lease: input.lease, steps }),
    );
  const [only] = made;
  if (!only) throw invalid("a build without a result can't be exported");
  if (made.length === 1 && input.platforms[0]?.id === "")
    return { target: only.manifest, config: only.config };
  const index: Index = {
    schemaVersion: 2,
    mediaType: options.oci ? MEDIA.ociIndex : MEDIA.dockerList,
    manifests: made.map(({ manifest }, at) => ({
      ...manifest,
      platform: input.platforms[at]?.platform,
      ...annotationsFor(options.annotations, "manifest-descriptor", input.platforms[at]?.id),
    })),
    ...annotationsFor(options.annotations, "index", undefined),
  };
  const target = await steps.step("exporting manifest list", () =>
    putJson(store, index, index.mediaType as string, input.lease),
  );
  return { target };
}

async function storePlatform(
  store: Store,
  { platform, id, configBytes }: ExportedPlatform,
  stack: Awaited<ReturnType<typeof layerBlobs>>,
  options: Pick<ImageOptions, "oci" | "annotations"> & { lease: LeaseId; steps: ExportSteps },
): Promise<{ manifest: Descriptor; config: Descriptor }> {
  const { oci, lease, steps } = options;
  const blobs = stack.map(({ blob }) => blob);
  const config = await putJson(
    store,
    fitConfig(configBytes, blobs, { platform }),
    oci ? MEDIA.ociConfig : MEDIA.dockerConfig,
    lease,
  );
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: oci ? MEDIA.ociManifest : MEDIA.dockerManifest,
    config,
    layers: blobs.map(({ descriptor: { digest, size, mediaType } }) => ({
      mediaType: oci ? mediaType : MEDIA.dockerLayer,
      digest,
      size,
    })),
    ...annotationsFor(options.annotations, "manifest", id),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const stored = await steps.step(`exporting manifest ${digestOf(bytes)}`, () =>
    putBytes(store, bytes, manifest.mediaType as string, lease),
  );
  await steps.step(`exporting config ${config.digest}`, async () => {});
  // A container of it finds its layers unpacked, and they are kept as long as the manifest is.
  const top = chainIds(blobs.map(({ diffId }) => diffId)).at(-1);
  if (top && store.snapshots.layer(top))
    store.content.setLabels(stored.digest, { ...store.content.info(stored.digest)?.labels, unpacked: top });
  return { manifest: stored, config };
}

const putJson = (store: Store, value: unknown, mediaType: string, lease: LeaseId): Promise<Descriptor> =>
  putBytes(store, Buffer.from(JSON.stringify(value)), mediaType, lease);

async function putBytes(
  store: Store,
  bytes: Uint8Array,
  mediaType: string,
  lease: LeaseId,
): Promise<Descriptor> {
  const { digest, size } = await store.content.put(bytes, lease);
  return { mediaType, digest, size };
}

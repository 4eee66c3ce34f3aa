// A build's cache written where others find it: blobs of layers, then the config, then the manifest that names them (BuildKit,
// cache/remotecache/export.go).
import { invalid, messageOf, systemError } from "../../../base/errors.ts";
import { digestOf } from "../../../oci/digest.ts";
import { encodeJson } from "../../../oci/json.ts";
import { type Descriptor, MEDIA } from "../../../oci/types.ts";
import type { LeaseId, SnapshotId, Store } from "../../../store/types.ts";
import type { ExportSteps } from "../../export/exporter.ts";
import { layerMediaType } from "../../layers/compression.ts";
import { layerBlobs } from "../../layers/layer-blobs.ts";
import type { BaseLayer, ExporterResponse, LayerBlob } from "../../types.ts";
import { CACHE_CONFIG, CREATED_AT, UNCOMPRESSED } from "./config.ts";
import type { PortableStep } from "./known-steps.ts";
import { marshalCache, marshalRecords, type PortableRecord } from "./marshal.ts";
import type { CacheExport } from "./options.ts";
import { type CacheTarget, folderTarget, type PlaceContext, registryTarget } from "./places.ts";

/** As progress shows it. */
export const titleOf = ({ place }: CacheExport): string =>
  place.type === "registry" ? "exporting cache to registry" : "exporting cache to client directory";

export interface CacheInput {
  /** Of each platform of the result. */
  parts: readonly { steps: readonly PortableStep[]; result: SnapshotId | undefined }[];
  store: Store;
  places: PlaceContext;
  lease: LeaseId;
  signal: AbortSignal;
}

/** Layers that are written at a time. */
const SIDE_BY_SIDE = 3;

/** Errors: invalid, for options that don't fit; the place's. */
export async function exportCache(
  asked: CacheExport,
  input: CacheInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  return await steps.step("preparing build cache for export", async (): Promise<ExporterResponse> => {
    const { config, layers } = marshalCache(await recordsOf(asked, input));
    if (layers.length === 0) {
      await steps.step("skipping cache export for empty result", async () => {});
      return {};
    }
    const { oci, imageManifest, place } = asked;
    if (imageManifest && !oci)
      throw invalid(
        "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format",
      );
    const target =
      place.type === "registry"
        ? await registryTarget(place, input.places)
        : folderTarget(place.folder, input.places);
    const descriptors = layers.map((layer) => describeLayer(layer, oci));
    await writeLayers(target, descriptors, input, steps);
    const bytes = encodeJson(config);
    const described = { mediaType: CACHE_CONFIG, digest: digestOf(bytes), size: bytes.length };
    await steps.step(`writing config ${described.digest}`, () =>
      told("error writing config blob", target.writeBytes(described, bytes)),
    );
    const manifest = encodeJson(manifestOf(asked, described, descriptors));
    const root: Descriptor = {
      mediaType: mediaTypeOf(asked),
      digest: digestOf(manifest),
      size: manifest.length,
    };
    await steps.step(`writing cache ${imageManifest ? "image " : ""}manifest ${root.digest}`, () =>
      told("error writing manifest blob", target.writeRoot(root, manifest)),
    );
    return { "cache.manifest": JSON.stringify(root) };
  });
}

/** In the order of Go's fields. */
function manifestOf(asked: CacheExport, config: Descriptor, layers: readonly Descriptor[]): object {
  const mediaType = mediaTypeOf(asked);
  return asked.imageManifest
    ? { schemaVersion: 2, mediaType, config, layers }
    : { schemaVersion: 2, mediaType, manifests: [...layers, config] };
}

const mediaTypeOf = ({ oci, imageManifest }: CacheExport): string =>
  imageManifest ? MEDIA.ociManifest : oci ? MEDIA.ociIndex : MEDIA.dockerList;

function describeLayer({ descriptor, diffId, createdAt }: LayerBlob, oci: boolean): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return {
    mediaType: layerMediaType(mediaType, oci),
    digest,
    size,
    annotations: { ...(createdAt && { [CREATED_AT]: createdAt }), [UNCOMPRESSED]: diffId },
  };
}

async function writeLayers(
  target: CacheTarget,
  descriptors: readonly Descriptor[],
  { store, signal }: CacheInput,
  steps: ExportSteps,
): Promise<void> {
  const { content } = store;
  const waiting = [...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const descriptor = next;
      signal.throwIfAborted();
      const { digest } = descriptor;
      const labels = content.info(digest)?.labels ?? {};
      await steps.step(`writing layer ${digest}`, () =>
        told("error writing layer blob", target.writeFile(descriptor, content.path(digest), labels)),
      );
    }
  };
  const results = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, work));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function told<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw systemError(`${what}: ${messageOf(thrown)}`, thrown);
  }
}

/** Steps with the archives of their layers, as far as the mode takes them along. */
async function recordsOf({ mode, compression }: CacheExport, input: CacheInput): Promise<PortableRecord[]> {
  const { store, parts, lease, signal } = input;
  const wanted = new Set(parts.flatMap(({ result }) => stackOf(store, result)));
  const known = new Map<SnapshotId, Promise<BaseLayer[]>>();
  const layersOf = (snapshot: SnapshotId) => {
    const layers = known.get(snapshot) ?? layerBlobs(store, snapshot, { lease, signal, compression });
    known.set(snapshot, layers);
    return layers;
  };
  return await Promise.all(
    parts
      .flatMap(({ steps }) => steps)
      .map(async ({ snapshot, createdAt, ...names }): Promise<PortableRecord> => {
        if (!snapshot || (mode === "min" && !wanted.has(snapshot))) return names;
        const layers = (await layersOf(snapshot)).map(({ blob }) => blob);
        return { ...names, result: { layers, createdAt } };
      }),
  );
}

function stackOf({ snapshots }: Store, top: SnapshotId | undefined): SnapshotId[] {
  const stack: SnapshotId[] = [];
  for (let at = top; at !== undefined; at = snapshots.parentOf(at)) stack.unshift(at);
  return stack;
}

/** Records for an image's own config: their layers are the image's, by their numbers. Undefined: none of them is. */
export function inlineCache(
  store: Store,
  steps: readonly PortableStep[],
  result: SnapshotId | undefined,
): Uint8Array | undefined {
  const numbers = new Map(stackOf(store, result).map((snapshot, at) => [snapshot, at]));
  const numberOf = new Map<string, number>();
  const records = steps.map(({ snapshot, createdAt, ...names }): PortableRecord => {
    const at = snapshot && numbers.get(snapshot);
    if (at !== undefined) numberOf.set(names.key, at);
    return { ...names, result: { layers: [], createdAt } };
  });
  if (numberOf.size === 0) return undefined;
  return encodeJson(marshalRecords(records, ({ key }) => numberOf.get(key)));
}

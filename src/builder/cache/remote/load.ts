// A cache as it lies somewhere, read: an image's manifest or an index with the config of a cache, or images that have theirs in their
// own configs (BuildKit, cache/remotecache/import.go).
import { invalid } from "../../../base/errors.ts";
import { type Digest, isDigest } from "../../../oci/digest.ts";
import { type Descriptor, type ImageConfig, MEDIA } from "../../../oci/types.ts";
import {
  CACHE_CONFIG,
  CREATED_AT,
  DESCRIPTION,
  parseConfig,
  type RemoteLayer,
  readRecords,
  UNCOMPRESSED,
} from "./config.ts";
import type { CacheSource } from "./places.ts";
import { indexRecords, type RecordIndex } from "./record-index.ts";

/** Bytes of a manifest or config. BuildKit takes 1 MiB; a build of a thousand steps has more. */
const LARGEST = 16 << 20;
/** Of an index whose images are looked into. */
const MOST_IMAGES = 100;

interface Document {
  mediaType: string;
  config?: Descriptor;
  layers: Descriptor[];
  manifests?: Descriptor[];
}

/** `inferred` is told what the root is. Errors: not-found, invalid, the network's. */
export async function loadCache(
  source: CacheSource,
  root: Descriptor,
  inferred: (mediaType: string) => void,
): Promise<RecordIndex[]> {
  const document = readDocument(await source.read(root, LARGEST));
  inferred(document.mediaType);
  const { config, manifests } = document;
  const listed = manifests?.find(({ mediaType }) => mediaType === CACHE_CONFIG);
  const own = listed ?? (config?.mediaType === CACHE_CONFIG ? config : undefined);
  if (!own) return await loadImages(source, document);
  const layers = new Map(
    (manifests ?? document.layers).flatMap((descriptor) => {
      const layer = layerOf(descriptor, descriptor.annotations?.[UNCOMPRESSED]);
      return layer ? [[descriptor.digest as string, layer] as const] : [];
    }),
  );
  const records = parseConfig(await source.read(own, LARGEST));
  return [indexRecords(readRecords(records, (blob) => layers.get(blob)))];
}

function layerOf(
  { mediaType, digest, size, annotations }: Descriptor,
  diffId: string | undefined,
  more: { createdAt?: string; description?: string } = {},
): RemoteLayer | undefined {
  if (!diffId || !isDigest(diffId)) return undefined;
  const createdAt = more.createdAt ?? annotations?.[CREATED_AT];
  const description = more.description ?? annotations?.[DESCRIPTION];
  return {
    descriptor: { mediaType, digest, size },
    diffId,
    ...(createdAt && { createdAt }),
    ...(description && { description }),
  };
}

/** Images whose configs have a cache; others are passed over. */
async function loadImages(source: CacheSource, document: Document): Promise<RecordIndex[]> {
  if (!document.manifests) {
    const index = await loadImage(source, document);
    return index ? [index] : [];
  }
  const found: RecordIndex[] = [];
  for (const descriptor of document.manifests.slice(0, MOST_IMAGES)) {
    const image = readDocument(await source.read(descriptor, LARGEST));
    const index = image.manifests ? undefined : await loadImage(source, image);
    if (index) found.push(index);
  }
  return found;
}

async function loadImage(
  source: CacheSource,
  { config, layers }: Document,
): Promise<RecordIndex | undefined> {
  if (!config || layers.length === 0) return undefined;
  const image = parseConfig(await source.read(config, LARGEST)) as ImageConfig & Record<string, unknown>;
  const diffIds: readonly Digest[] = image.rootfs?.diff_ids ?? [];
  const cache = image["moby.buildkit.cache.v0"];
  if (typeof cache !== "string" || diffIds.length !== layers.length) return undefined;
  const history = (image.history ?? []).filter((entry) => !entry.empty_layer);
  const known = layers.map((descriptor, at) => {
    const { created, created_by } = history[at] ?? {};
    return layerOf(descriptor, diffIds[at], {
      ...(created && { createdAt: created }),
      ...(created_by && { description: created_by }),
    });
  });
  // The same archive may be there twice: it is the same layer then, on another.
  const blobs = new Map(layers.map(({ digest }, at) => [digest as string, known[at]]));
  const records = parseConfig(Buffer.from(cache, "base64"));
  const stacked = { records, layers: layers.map(({ digest }, at) => ({ blob: digest, parent: at - 1 })) };
  return indexRecords(readRecords(stacked, (blob) => blobs.get(blob)));
}

/** An index or a manifest, by what is in it: a folder's root has no media type. Errors: invalid. */
function readDocument(bytes: Uint8Array): Document {
  const document = parseConfig(bytes);
  if (typeof document !== "object" || document === null) throw invalid("a cache's manifest is no object");
  const fields = document as Partial<Record<string, unknown>>;
  const given = typeof fields.mediaType === "string" ? fields.mediaType : undefined;
  if (Array.isArray(fields.manifests))
    return {
      mediaType: given ?? MEDIA.ociIndex,
      layers: [],
      manifests: fields.manifests.map(descriptorOf),
    };
  if (!fields.config || !Array.isArray(fields.layers))
    throw invalid("unsupported or uninferrable manifest type");
  return {
    mediaType: given ?? MEDIA.ociManifest,
    config: descriptorOf(fields.config),
    layers: fields.layers.map(descriptorOf),
  };
}

function descriptorOf(value: unknown): Descriptor {
  if (typeof value !== "object" || value === null) throw invalid("a cache's manifest names no descriptor");
  const { mediaType, digest, size, annotations } = value as Partial<Record<string, unknown>>;
  if (typeof digest !== "string" || !isDigest(digest))
    throw invalid(`invalid digest ${JSON.stringify(digest)}`);
  if (typeof size !== "number" || !Number.isInteger(size) || size < 0)
    throw invalid(`invalid size of ${digest}: ${JSON.stringify(size)}`);
  return {
    mediaType: typeof mediaType === "string" ? mediaType : "",
    digest,
    size,
    ...(typeof annotations === "object" &&
      annotations !== null && {
        annotations: Object.fromEntries(
          Object.entries(annotations).filter(
            (entry): entry is [string, string] => typeof entry[1] === "string",
          ),
        ),
      }),
  };
}

// `docker save`: an OCI image layout (image-spec, image-layout.md) that is a docker-archive (manifest.json) as well, as
// Docker 28 writes it.
import { type Digest, hexOf } from "../oci/digest.ts";
import { canonical, familiar, parseReference, type Reference } from "../oci/reference.ts";
import { type Descriptor, isIndex, MEDIA, type Platform } from "../oci/types.ts";
import type { ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { bestManifest, isLayer, walkPresent } from "./manifests.ts";
import { isIdOf, noSuchImage, recordsOfRepository, referenceOf, resolveRecord } from "./names.ts";
import { chooseTarget } from "./push.ts";
import { announce } from "./records.ts";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar-writer.ts";

/** One image in the archive; without a name when it was asked for by its id. */
interface Saved {
  record: ImageRecord;
  target: Descriptor;
  name: Reference | undefined;
}

const CHUNK = 1 << 20;
const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';

/**
 * The archive of some images: names, names without a tag (all tags of the repository), ids. Errors, before the first
 * byte: not-found.
 */
export async function* saveImages(
  context: ImageContext,
  references: string[],
  options: { platform?: Platform },
): AsyncGenerator<Uint8Array> {
  const saved: Saved[] = [];
  for (const text of references) saved.push(...(await choose(context, text, options.platform)));
  const entries = await describe(context, saved);
  const lease = context.store.leases.open("save");
  try {
    for (const { target } of saved) context.store.leases.hold(lease, { digest: target.digest });
    for (const { record } of saved)
      announce(context, "save", record.target.digest, record.target.digest, record.target);
    for (const { entry, content, file } of entries) {
      yield tarHeader(entry);
      if (content) yield content;
      if (file) yield* chunksOf(file);
      yield tarPadding(entry.size ?? 0);
    }
    yield TAR_END;
  } finally {
    context.store.leases.close(lease);
  }
}

async function choose(context: ImageContext, text: string, platform: Platform | undefined): Promise<Saved[]> {
  const { images } = context.store;
  const record = attempt(() => resolveRecord(images, text));
  const parsed = attempt(() => parseReference(text));
  const byId = record !== undefined && (isIdOf(record.target.digest, text) || parsed?.digest !== undefined);
  if (!byId && parsed && parsed.tag === undefined && parsed.digest === undefined) {
    const all = recordsOfRepository(images, parsed);
    if (all.length === 0) throw noSuchImage(text);
    return await Promise.all(
      all.map(async (one) => ({
        record: one,
        target: await chooseTargetOf(context, one, platform),
        name: referenceOf(one),
      })),
    );
  }
  const found = record ?? resolveRecord(images, text);
  const target = await chooseTargetOf(context, found, platform);
  return [{ record: found, target, name: byId ? undefined : referenceOf(found) }];
}

/** As a push would choose, but an index that is here in part is saved as it is. */
const chooseTargetOf = async (
  context: ImageContext,
  record: ImageRecord,
  platform: Platform | undefined,
): Promise<Descriptor> => (platform ? await chooseTarget(context, record, platform) : record.target);

interface Entry {
  entry: TarEntry;
  content?: Uint8Array;
  /** Path of a blob to be copied. */
  file?: string;
}

const folder = (path: string): Entry => ({ entry: { path, type: "folder", mode: 0o755 } });

function document(path: string, text: string, mode: number): Entry {
  const content = new TextEncoder().encode(text);
  return { entry: { path, type: "file", mode, size: content.length }, content };
}

async function describe(context: ImageContext, saved: Saved[]): Promise<Entry[]> {
  const { content } = context.store;
  const blobs = new Map<Digest, Descriptor>();
  for (const { target } of saved)
    for (const descriptor of await walkPresent(content, target)) blobs.set(descriptor.digest, descriptor);
  const files = [...blobs.values()]
    .map((descriptor) => ({ descriptor, path: blobPath(descriptor.digest) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ descriptor: { digest, size }, path }) => ({
      entry: { path, type: "file", mode: 0o444, size } satisfies TarEntry,
      file: content.path(digest),
    }));
  const algorithms = [...new Set([...blobs.keys()].map((digest) => digest.split(":", 1)[0]))].sort();
  return [
    folder("blobs/"),
    ...algorithms.map((algorithm) => folder(`blobs/${algorithm}/`)),
    ...files,
    document("index.json", JSON.stringify(await indexOf(saved)), 0o644),
    document("manifest.json", JSON.stringify(await dockerManifests(context, saved)), 0o644),
    document("oci-layout", LAYOUT, 0o444),
  ];
}

const blobPath = (digest: Digest): string => `blobs/${digest.split(":", 1)[0]}/${hexOf(digest)}`;

/** index.json: one entry a name, the name in the annotations that containerd and Docker read. */
async function indexOf(saved: Saved[]): Promise<object> {
  const manifests = saved.map(({ target: { mediaType, digest, size, platform }, name }) => ({
    mediaType,
    digest,
    size,
    ...(name && {
      annotations: {
        "io.containerd.image.name": canonical(name),
        ...(name.tag !== undefined && { "org.opencontainers.image.ref.name": name.tag }),
      },
    }),
    ...(platform && { platform }),
  }));
  return { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests };
}

/** manifest.json: one entry an image, with the manifest that suits this host; images without one are left out. */
async function dockerManifests(context: ImageContext, saved: Saved[]): Promise<object[]> {
  const rows = new Map<string, { Config: string; RepoTags: string[] | null; Layers: string[] }>();
  for (const { record, target, name } of saved) {
    const only = { name: record.name, target };
    const best = await bestManifest(
      context.store.content,
      only,
      undefined,
      context.environment.platform,
    ).catch(() => undefined);
    if (!best?.manifest.layers.every(({ mediaType }) => isLayer(mediaType))) continue;
    const key = isIndex(target.mediaType) ? `${target.digest} ${best.descriptor.digest}` : target.digest;
    const row = rows.get(key) ?? {
      Config: blobPath(best.manifest.config.digest),
      RepoTags: null,
      Layers: best.manifest.layers.map(({ digest }) => blobPath(digest)),
    };
    if (name?.tag !== undefined) row.RepoTags = [...(row.RepoTags ?? []), familiar(name)];
    rows.set(key, row);
  }
  return [...rows.values()];
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = Bun.file(path);
  for (let at = 0; at < file.size; at += CHUNK)
    yield new Uint8Array(await file.slice(at, Math.min(at + CHUNK, file.size)).arrayBuffer());
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

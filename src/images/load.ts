// `docker load`: an OCI image layout or a docker-archive, whose outer tar the confined worker unpacks into a folder for
// the length of the load. What the folder holds is a stranger's: links in it are followed only within it.
import { lstatSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError, invalid, messageOf, notFound, systemError } from "../base/errors.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../oci/digest.ts";
import { exactly, formatPlatformWithVersion, type PlatformMatcher, runsOn } from "../oci/platform.ts";
import { parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
  MEDIA,
  type Platform,
} from "../oci/types.ts";
import { unpackLayer, withLease } from "../store/index.ts";
import type { ImageRecord, LeaseId } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { compressionOf } from "./layer-intake.ts";
import type { Layers } from "./layers.ts";
import { inspectManifest, manifestsOf } from "./manifests.ts";
import { familiarOf, isDangling } from "./names.ts";
import { announce, recordImage } from "./records.ts";
import { unpackPresent } from "./resolve.ts";
import type { Progress } from "./types.ts";

export interface LoadOptions {
  progress: Progress;
  quiet: boolean;
  /** Only this platform of each image. Errors: not-found when an image hasn't it. */
  platform?: Platform;
}

/** One image of an archive, its content stored. */
interface Loaded {
  target: Descriptor;
  name: Reference | undefined;
}

const DOCUMENT_LIMIT = 8 << 20;
const CHUNK = 1 << 20;

/** Loads all images of an archive. Errors: invalid for what is no such archive; system when content is not what it says. */
export async function loadImages(
  context: ImageContext,
  layers: Layers,
  archive: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<void> {
  const { store } = context;
  await withLease(store, "load", async (lease) => {
    const staging = await unpackLayer(store, { lease, source: { chunks: archive } });
    const records: ImageRecord[] = [];
    try {
      const source = new Archive(store.snapshots.directory(staging.id));
      const loaded = await new Loading(context, source, lease, options.platform).all();
      for (const { target, name } of loaded) records.push(recordImage(store, name, target));
    } finally {
      await store.snapshots.remove(staging.id);
    }
    await checkPlatforms(context, records, options.platform);
    for (const record of records) await finishImage(context, layers, record, lease, options);
  });
}

/** Unpacks what suits this host, and says that the image is there. */
async function finishImage(
  context: ImageContext,
  layers: Layers,
  record: ImageRecord,
  lease: LeaseId,
  options: LoadOptions,
): Promise<void> {
  const { store, environment } = context;
  const matcher: PlatformMatcher = options.platform
    ? exactly(options.platform)
    : runsOn(environment.platform);
  let problem: string | undefined;
  for (const descriptor of await manifestsOf(store.content, record.target)) {
    const state = await inspectManifest(store.content, descriptor);
    const { manifest, config, platform } = state;
    if (state.kind !== "image" || !state.available || !manifest || !config || !platform) continue;
    if (matcher.rank(platform) === undefined) continue;
    const image = { manifest, config, manifestDescriptor: descriptor };
    await unpackPresent(context, layers, image, lease, new AbortController().signal).catch(
      (error: unknown) => {
        problem = messageOf(error);
      },
    );
  }
  const name = familiarOf(record);
  options.progress({ stream: `${isDangling(record) ? "Loaded image ID" : "Loaded image"}: ${name}\n` });
  announce(context, "load", record.target.digest, record.target.digest, record.target);
  if (problem !== undefined) options.progress({ stream: `Error unpacking image ${name}: ${problem}\n` });
}

async function checkPlatforms(
  { store }: ImageContext,
  records: ImageRecord[],
  platform: Platform | undefined,
): Promise<void> {
  if (!platform) return;
  const matcher = exactly(platform);
  const lacking: string[] = [];
  for (const record of records) {
    const descriptors = await manifestsOf(store.content, record.target);
    const states = await Promise.all(descriptors.map((one) => inspectManifest(store.content, one)));
    const has = states.some(
      (state) => state.available && state.platform && matcher.rank(state.platform) === 0,
    );
    if (!has) lacking.push(familiarOf(record));
  }
  const wanted = formatPlatformWithVersion(platform);
  if (lacking.length === 1)
    throw notFound(`image ${lacking[0]} was loaded, but doesn't provide the requested platform (${wanted})`);
  if (lacking.length > 1)
    throw notFound(
      `images [${lacking.join(", ")}] were loaded, but don't provide the requested platform (${wanted})`,
    );
}

/** The unpacked archive: files by their names in it, and nothing outside. */
class Archive {
  private readonly root: string;
  constructor(folder: string) {
    this.root = realpathSync(folder);
  }

  /** The real path of a regular file; undefined when there is none. Errors: invalid when a link leads out. */
  find(name: string): string | undefined {
    let path: string;
    try {
      path = realpathSync(join(this.root, "/", join("/", name)));
    } catch {
      return undefined;
    }
    if (!path.startsWith(`${this.root}/`)) throw invalid(`the archive's ${name} leads out of the archive`);
    return lstatSync(path).isFile() ? path : undefined;
  }

  require(name: string): string {
    const path = this.find(name);
    if (path === undefined) throw invalid(`the archive lacks ${name}`);
    return path;
  }

  async document(name: string): Promise<Uint8Array> {
    const path = this.require(name);
    if (lstatSync(path).size > DOCUMENT_LIMIT) throw invalid(`the archive's ${name} is too big`);
    return await readFile(path);
  }

  async json<T>(name: string): Promise<T> {
    try {
      return JSON.parse(new TextDecoder().decode(await this.document(name))) as T;
    } catch (error) {
      if (error instanceof BerthError) throw error;
      throw invalid(`the archive's ${name} is not JSON: ${messageOf(error)}`, error);
    }
  }
}

/** An entry of a docker-archive's manifest.json. */
interface ArchiveEntry {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

class Loading {
  constructor(
    private readonly context: ImageContext,
    private readonly archive: Archive,
    private readonly lease: LeaseId,
    private readonly platform: Platform | undefined,
  ) {}

  async all(): Promise<Loaded[]> {
    if (this.archive.find("oci-layout") && this.archive.find("index.json")) return await this.fromLayout();
    if (this.archive.find("manifest.json")) return await this.fromDockerArchive();
    throw invalid("unrecognized image format");
  }

  private async fromLayout(): Promise<Loaded[]> {
    const index = await this.archive.json<Index>("index.json");
    if (!Array.isArray(index.manifests)) throw invalid("the archive's index.json names no manifests");
    const loaded: Loaded[] = [];
    for (const target of index.manifests) {
      if (!isDigest(target.digest)) throw invalid("the archive's index.json has an entry without a digest");
      if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) continue;
      await this.takeTree(target, true);
      loaded.push({ target, name: nameOf(target) });
    }
    if (loaded.length === 0) throw invalid("unrecognized image format");
    return loaded;
  }

  /** A blob and what it names. Platforms that aren't in the archive are left out; a manifest's own parts must be there. */
  private async takeTree(descriptor: Descriptor, isRequired: boolean): Promise<void> {
    const { content } = this.context.store;
    const path = `blobs/${descriptor.digest.split(":", 1)[0]}/${hexOf(descriptor.digest)}`;
    const file = this.archive.find(path);
    if (!file && !content.info(descriptor.digest)) {
      if (isRequired) throw invalid(`the archive lacks ${path}`);
      return;
    }
    if (file) await this.takeBlob(file, descriptor);
    else this.context.store.leases.hold(this.lease, { digest: descriptor.digest });
    if (isIndex(descriptor.mediaType)) {
      const index = await content.readJson<Index>(descriptor.digest);
      for (const child of index.manifests ?? []) if (this.wants(child)) await this.takeTree(child, false);
    } else if (isManifest(descriptor.mediaType)) {
      const manifest = await content.readJson<Manifest>(descriptor.digest);
      for (const part of [manifest.config, ...(manifest.layers ?? [])]) await this.takeTree(part, false);
    }
  }

  private wants({ platform }: Descriptor): boolean {
    return !this.platform || !platform || exactly(this.platform).rank(platform) !== undefined;
  }

  private async takeBlob(path: string, { digest, size }: Pick<Descriptor, "digest" | "size">): Promise<void> {
    const { content, leases } = this.context.store;
    if (content.info(digest)) return leases.hold(this.lease, { digest });
    const file = Bun.file(path);
    if (file.size < size)
      throw invalid(
        `failed to ingest "blobs/sha256/${hexOf(digest)}": short read: expected ${size} bytes but got ${file.size}: unexpected EOF`,
      );
    await this.copy(path, { digest, size });
  }

  private async copy(path: string, expected: { digest?: Digest; size?: number }): Promise<Descriptor> {
    await using writer = await this.context.store.content.writer(`load-${crypto.randomUUID()}`, this.lease);
    try {
      const file = Bun.file(path);
      for (let at = 0; at < file.size; at += CHUNK)
        await writer.write(
          new Uint8Array(await file.slice(at, Math.min(at + CHUNK, file.size)).arrayBuffer()),
        );
      const { digest, size } = await writer.commit(expected);
      return { mediaType: "", digest, size };
    } catch (error) {
      await writer.abort();
      throw error instanceof BerthError ? error : systemError(`loading failed: ${messageOf(error)}`, error);
    }
  }

  private async fromDockerArchive(): Promise<Loaded[]> {
    const entries = await this.archive.json<ArchiveEntry[]>("manifest.json");
    if (!Array.isArray(entries)) throw invalid("the archive's manifest.json is not a list");
    const loaded: Loaded[] = [];
    for (const entry of entries) {
      const target = await this.takeEntry(entry);
      const names = (entry.RepoTags ?? []).map((tag) => withDefaultTag(parseReference(tag)));
      if (names.length === 0) loaded.push({ target, name: undefined });
      for (const name of names) loaded.push({ target, name });
    }
    return loaded;
  }

  /** The layers are kept as they come, mostly plain tars: so an archive gives the same id on every host. */
  private async takeEntry(entry: ArchiveEntry): Promise<Descriptor> {
    if (typeof entry?.Config !== "string" || !Array.isArray(entry.Layers))
      throw invalid("the archive's manifest.json has an entry without Config or Layers");
    const { content } = this.context.store;
    const bytes = await this.archive.document(entry.Config);
    checkConfig(bytes, entry);
    const config = { mediaType: MEDIA.dockerConfig, digest: digestOf(bytes), size: bytes.length };
    await content.put(bytes, this.lease);
    const layers: Descriptor[] = [];
    for (const name of entry.Layers) {
      const path = this.archive.require(name);
      const head = new Uint8Array(await Bun.file(path).slice(0, 8).arrayBuffer());
      const { digest, size } = await this.copy(path, {});
      layers.push({ mediaType: LAYER_MEDIA[compressionOf(head)], digest, size });
    }
    const manifest = { schemaVersion: 2, mediaType: MEDIA.dockerManifest, config, layers };
    const encoded = new TextEncoder().encode(JSON.stringify(manifest));
    await content.put(encoded, this.lease);
    return { mediaType: MEDIA.dockerManifest, digest: digestOf(encoded), size: encoded.length };
  }
}

const LAYER_MEDIA = {
  none: "application/vnd.docker.image.rootfs.diff.tar",
  gzip: MEDIA.dockerLayer,
  zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
} as const;

function checkConfig(bytes: Uint8Array, entry: ArchiveEntry): void {
  let config: ImageConfig;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes)) as ImageConfig;
  } catch (error) {
    throw invalid(`the archive's ${entry.Config} is not JSON: ${messageOf(error)}`, error);
  }
  const diffIds = config?.rootfs?.diff_ids;
  if (!Array.isArray(diffIds)) throw invalid(`the archive's ${entry.Config} is not an image's config`);
  if (diffIds.length !== entry.Layers.length)
    throw invalid(
      `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${entry.Layers.length}`,
    );
}

/** The name that an entry of index.json was saved under: containerd's annotation, or a whole name in OCI's own. */
function nameOf({ annotations }: Descriptor): Reference | undefined {
  const full = annotations?.["io.containerd.image.name"];
  const short = annotations?.["org.opencontainers.image.ref.name"];
  // OCI's annotation is often a tag alone, and then no name.
  const text = full ?? (short && /[:/]/.test(short) ? short : undefined);
  if (text === undefined) return undefined;
  try {
    const reference = withDefaultTag(parseReference(text));
    return reference.digest ? undefined : reference;
  } catch {
    return undefined;
  }
}

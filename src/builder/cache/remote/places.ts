// Where caches lie: a repository of a registry, a folder of the client's. Blobs are read and written by their digests.
import { invalid } from "../../../base/errors.ts";
import { type Digest, digestOf, isDigest } from "../../../oci/digest.ts";
import { parseReference, type Reference, withDefaultTag } from "../../../oci/reference.ts";
import { type Descriptor, isIndex, isManifest } from "../../../oci/types.ts";
import {
  type BlobBody,
  openRepository,
  type RegistryAuth,
  type RegistrySettings,
} from "../../../registry/index.ts";
import { chunksOf, openClientStore } from "../../session/client-store.ts";
import type { Session } from "../../session/sessions.ts";

/** A cache to be read. */
export interface CacheSource {
  /** Of what it is known by. Errors: not-found. */
  root(): Promise<Descriptor>;
  /** A small document, checked. Errors: invalid, for one of more than `limit` bytes or of another digest. */
  read(descriptor: Descriptor, limit: number): Promise<Uint8Array>;
  /** A layer's bytes from `offset` on, or from where the answer says; not checked. */
  stream(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<BlobBody>;
}

/** A cache to be written. */
export interface CacheTarget {
  /** A blob from a file; the labels say where else it is. */
  writeFile(descriptor: Descriptor, path: string, labels: Readonly<Record<string, string>>): Promise<void>;
  writeBytes(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  /** What the cache is known by from now on. */
  writeRoot(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
}

/** What places are reached with. */
export interface PlaceContext {
  settings: RegistrySettings;
  credentials(host: string): Promise<RegistryAuth | undefined>;
  session(): Promise<Session>;
  signal: AbortSignal;
}

/** Errors: invalid. */
export function cacheReference(text: string | undefined): Reference {
  if (!text) throw invalid("missing ref");
  return withDefaultTag(parseReference(text));
}

export interface RegistryPlace {
  reference: Reference;
  /** Plain HTTP and any certificate will do. */
  insecure: boolean;
}

async function repositoryOf(
  { reference, insecure }: RegistryPlace,
  { settings, credentials, signal }: PlaceContext,
  use: "pull" | "push",
) {
  const auth = await credentials(reference.domain);
  return await openRepository(reference, {
    settings: insecure
      ? { ...settings, insecureRegistries: [...settings.insecureRegistries, reference.domain] }
      : settings,
    ...(auth && { auth }),
    use,
    signal,
  });
}

export async function registrySource(place: RegistryPlace, context: PlaceContext): Promise<CacheSource> {
  const repository = await repositoryOf(place, context, "pull");
  const { reference } = place;
  return {
    root: () => repository.resolve(reference.digest ?? reference.tag ?? "latest"),
    async read(descriptor, limit) {
      refuseLarge(descriptor, limit);
      if (isIndex(descriptor.mediaType) || isManifest(descriptor.mediaType))
        return (await repository.manifest(descriptor.digest)).bytes;
      return await collected(descriptor, limit, (await repository.blob(descriptor, 0)).body);
    },
    stream: (descriptor, offset, lasting) => repository.blob(descriptor, offset, lasting),
  };
}

/** How many other repositories are asked for a blob. */
const MOUNTS = 3;

export async function registryTarget(place: RegistryPlace, context: PlaceContext): Promise<CacheTarget> {
  const repository = await repositoryOf(place, context, "push");
  const { reference } = place;
  const write = async (descriptor: Descriptor, open: (from: number) => Blob) => {
    if (await repository.hasBlob(descriptor.digest)) return;
    await repository.uploadBlob(descriptor, open, () => {});
  };
  return {
    async writeFile(descriptor, path, labels) {
      if (await repository.hasBlob(descriptor.digest)) return;
      const known = (labels[`distribution.source.${reference.domain}`] ?? "").split(",");
      for (const from of known.filter((name) => name && name !== reference.path).slice(0, MOUNTS))
        if (await repository.mountBlob(descriptor.digest, from)) return;
      await repository.uploadBlob(
        descriptor,
        (from) => Bun.file(path).slice(from),
        () => {},
      );
    },
    writeBytes: (descriptor, bytes) =>
      write(descriptor, (from) => new Blob([bytes.subarray(from) as Uint8Array<ArrayBuffer>])),
    writeRoot: ({ mediaType, digest }, bytes) =>
      repository.putManifest(reference.tag ?? digest, bytes, mediaType),
  };
}

/** The digest has to be told: names are in the folder's index, which the client reads. */
export function folderSource(
  { folder, digest }: { folder: string; digest: Digest },
  { session, signal }: PlaceContext,
): CacheSource {
  const store = async () => openClientStore(await session(), storeName(folder));
  return {
    root: async () => ({ mediaType: "", digest, size: await (await store()).size(digest) }),
    async read(descriptor, limit) {
      refuseLarge(descriptor, limit);
      return await collected(descriptor, limit, (await store()).read(descriptor.digest, 0, signal));
    },
    stream: async ({ digest }, offset, lasting) => ({
      body: (await store()).read(digest, offset, lasting),
      offset,
    }),
  };
}

export function folderTarget(folder: string, { session, signal }: PlaceContext): CacheTarget {
  const write = async (descriptor: Descriptor, chunks: AsyncIterable<Uint8Array>) =>
    await openClientStore(await session(), storeName(folder)).write(descriptor, chunks, signal);
  const writeBytes = (descriptor: Descriptor, bytes: Uint8Array) => write(descriptor, only(bytes));
  return {
    writeFile: (descriptor, path) => write(descriptor, chunksOf(path)),
    writeBytes,
    writeRoot: writeBytes,
  };
}

const storeName = (folder: string): string => `local:${folder}`;

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function refuseLarge({ digest, size }: Descriptor, limit: number): void {
  if (size > limit) throw invalid(`blob ${digest} is too large (${size} > ${limit})`);
}

async function collected(
  { digest }: Descriptor,
  limit: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw invalid(`blob ${digest} is too large (more than ${limit})`);
    parts.push(new Uint8Array(chunk));
  }
  const bytes = Buffer.concat(parts);
  if (isDigest(digest) && digest.startsWith("sha256:") && digestOf(bytes) !== digest)
    throw invalid(`unexpected digest ${digestOf(bytes)}, expected ${digest}`);
  return bytes;
}

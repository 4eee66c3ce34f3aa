// Copies a manifest with all it names from one repository to another: what the target has is left, what the same registry has is
// mounted, the rest goes through the content store, where a lease holds it until it has arrived.
import { invalid, systemError } from "../base/errors.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import { Slots } from "../base/shared-work.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { parseReference, type Reference, repositoryOf, withDefaultTag } from "../oci/reference.ts";
import { type Descriptor, type Index, isIndex, isManifest, type Manifest } from "../oci/types.ts";
import { mayPass, pause, type RegistryAuth, type Repository } from "../registry/index.ts";
import { withLease } from "../store/index.ts";
import type { LeaseId } from "../store/types.ts";
import { inBuildxWords, inRegistry, MANIFEST_LIMIT } from "./registry-content.ts";
import type { Engine } from "./types.ts";

/** Indexes may name indexes; deeper than this nobody builds them. */
const MAX_DEPTH = 4;
/** Layers that only their owner gives out (image-spec, layer.md, "Non-Distributable Layers"). */
const NOT_DISTRIBUTED = /nondistributable|\.foreign\./;

/** One copy of a blob to a place at a time: platforms of an image share layers, and their copies run side by side. */
const blobLock = new KeyedLock();

export interface RegistryCopy {
  /** A name with the digest of the manifest. */
  from: string;
  /** A name; its tag says nothing here: the manifest arrives under its digest. */
  to: string;
  authOf: (host: string) => RegistryAuth | undefined;
  signal: AbortSignal;
}

/** Errors: invalid, not-found, unauthorized, each in buildx's words. */
export async function copyRegistryContent(
  engine: Pick<Engine, "config" | "store">,
  { from, to, authOf, signal }: RegistryCopy,
): Promise<void> {
  const source = parseReference(from);
  const target = withDefaultTag(parseReference(to));
  const { digest } = source;
  if (!digest) throw invalid(`${from}: what is copied is named by its digest`);
  const open = <T>(reference: Reference, use: "pull" | "push", work: (one: Repository) => Promise<T>) =>
    inRegistry(engine, reference, use, { auth: authOf(reference.domain), signal }, work);
  await open(source, "pull", (sourceRepository) =>
    open(target, "push", (targetRepository) =>
      withLease(engine.store, `copy ${digest}`, (lease) =>
        new Copy(engine, sourceRepository, targetRepository, lease, signal).manifest(digest, 0),
      ),
    ),
  );
  engine.store.collectSoon();
}

class Copy {
  private readonly slots: Slots;
  /** Both are one registry, so that blobs can be mounted. */
  private readonly sameRegistry: boolean;
  private readonly target: string;

  constructor(
    private readonly engine: Pick<Engine, "config" | "store">,
    private readonly source: Repository,
    private readonly destination: Repository,
    private readonly lease: LeaseId,
    private readonly signal: AbortSignal,
  ) {
    this.slots = new Slots(engine.config.maxConcurrentUploads);
    this.sameRegistry = source.reference.domain === destination.reference.domain;
    this.target = repositoryOf(destination.reference);
  }

  async manifest(digest: Digest, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw invalid(`index ${digest}: more than ${MAX_DEPTH} indexes within each other`);
    if (await this.destination.hasManifest(digest, digest)) return;
    const { bytes, mediaType } = await this.source.manifest(digest).catch(refusedPull);
    if (bytes.length > MANIFEST_LIMIT)
      throw invalid(`manifest ${digest} has more than ${MANIFEST_LIMIT} bytes`);
    if (isIndex(mediaType)) {
      const { manifests } = documentOf<Index>(bytes, digest);
      for (const child of listed(manifests, digest)) await this.manifest(child.digest, depth + 1);
    } else if (isManifest(mediaType)) {
      const { config, layers } = documentOf<Manifest>(bytes, digest);
      const blobs = listed([config, ...(Array.isArray(layers) ? layers : [])], digest);
      await this.blobs(blobs.filter((blob) => !NOT_DISTRIBUTED.test(blob.mediaType)));
    } else throw invalid(`unsupported media type ${mediaType} of ${digest}: neither an image nor an index`);
    await this.destination.putManifest(digest, bytes, mediaType);
  }

  /** All have settled when the first failure is told: the lease ends with it. */
  private async blobs(blobs: Descriptor[]): Promise<void> {
    const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
    const copies = unique.map((blob) =>
      this.slots.run(this.signal, () => blobLock.run(`${this.target}@${blob.digest}`, () => this.blob(blob))),
    );
    const failed = (await Promise.allSettled(copies)).find(({ status }) => status === "rejected");
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  private async blob(blob: Descriptor): Promise<void> {
    this.signal.throwIfAborted();
    if (await this.destination.hasBlob(blob.digest)) return;
    const { path } = this.source.reference;
    if (this.sameRegistry && (await this.destination.mountBlob(blob.digest, path))) return;
    const { content } = this.engine.store;
    await this.bring(blob);
    const file = Bun.file(content.path(blob.digest));
    await this.destination.uploadBlob(
      blob,
      (from) => file.slice(from),
      () => {},
    );
  }

  /** Into the content store, where the lease holds it. */
  private async bring(blob: Descriptor): Promise<void> {
    const { store, config } = this.engine;
    for (let attempt = 1; !store.content.info(blob.digest); attempt++) {
      try {
        await this.receive(blob);
      } catch (error) {
        this.signal.throwIfAborted();
        if (attempt >= config.maxDownloadAttempts || !mayPass(error)) throw error;
        await pause(attempt, this.signal);
      }
    }
    store.leases.hold(this.lease, { digest: blob.digest });
  }

  private async receive(blob: Descriptor): Promise<void> {
    const { digest, size } = blob;
    const writer = this.engine.store.content.writer(`copy-${crypto.randomUUID()}`, this.lease, {
      resumable: false,
    });
    await using open = await writer;
    const { body } = await this.source.blob(blob, 0).catch(refusedPull);
    for await (const chunk of body) {
      this.signal.throwIfAborted();
      if (open.offset + chunk.length > size)
        throw systemError(
          `${digest}: the registry sends more than the ${size} bytes that the manifest names`,
        );
      await open.write(chunk);
    }
    await open.commit({ digest, size });
  }
}

/** It is the source that refuses, and not the target in whose repository's name the copy fails. */
function refusedPull(error: unknown): never {
  throw mayPass(error) ? error : inBuildxWords(error, "pull");
}

function documentOf<T>(bytes: Uint8Array, digest: Digest): Partial<T> {
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof document === "object" && document !== null) return document as Partial<T>;
  } catch {
    // Said below.
  }
  throw invalid(`manifest ${digest} is not a JSON object`);
}

/** What a document names, checked as far as it is relied on. */
function listed(descriptors: (Descriptor | undefined)[] | undefined, within: Digest): Descriptor[] {
  if (!Array.isArray(descriptors)) throw invalid(`index ${within} has no list of manifests`);
  return descriptors.map((one) => {
    if (!one || !isDigest(one.digest) || typeof one.mediaType !== "string" || !Number.isSafeInteger(one.size))
      throw invalid(`manifest ${within} has a descriptor without a valid digest, media type or size`);
    return one;
  });
}

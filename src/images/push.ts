// A push: blobs that the registry lacks (mounted from another repository of it where possible), then manifests, the
// lowest first, the tag last. What is pushed are the bytes as they came, so the digest stays.
import { BerthError, conflict, notFound, systemError } from "../base/errors.ts";
import { Slots } from "../base/shared-work.ts";
import { exactly, formatPlatformWithVersion, runsOn } from "../oci/platform.ts";
import {
  canonical,
  familiar,
  familiarRepository,
  parseReference,
  type Reference,
  repositoryOf,
} from "../oci/reference.ts";
import { type Descriptor, isIndex, isManifest, type Platform } from "../oci/types.ts";
import { NetworkError, openRepository, type RegistryAuth, type Repository } from "../registry/index.ts";
import { withLease } from "../store/index.ts";
import type { ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { noteSource, sourcesOf } from "./downloads.ts";
import { inspectManifest, isLayer, manifestsOf, platformNotFound, walk } from "./manifests.ts";
import { familiarOf, recordsOfRepository, referenceOf, shortDigest } from "./names.ts";
import { announce } from "./records.ts";
import type { Progress } from "./types.ts";

export interface PushOptions {
  platform?: Platform;
  auth?: RegistryAuth;
  progress: Progress;
  signal: AbortSignal;
  /** What is pushed, whatever has the name here. */
  target?: Descriptor;
  /** Plain HTTP and any certificate will do. */
  insecure?: boolean;
}

const SHOW_EVERY = 100;

/** Pushes a tag, or all tags of a repository when none is named. Errors: Docker's words. */
export async function pushImage(context: ImageContext, text: string, options: PushOptions): Promise<void> {
  const reference = parseReference(text);
  const { images } = context.store;
  options.progress({ status: `The push refers to repository [${repositoryOf(reference)}]` });
  if (options.target) {
    const { target } = options;
    return await pushRecord(context, { name: canonical(reference), target }, reference, options);
  }
  if (reference.tag !== undefined || reference.digest !== undefined) {
    const record = images.get(canonical(reference));
    if (!record) throw notFound(`tag does not exist: ${familiar(reference)}`);
    return await pushRecord(context, record, reference, options);
  }
  const records = recordsOfRepository(images, reference);
  if (records.length === 0)
    throw systemError(`An image does not exist locally with the tag: ${familiarRepository(reference)}`);
  for (const record of records) await pushRecord(context, record, referenceOf(record) ?? reference, options);
}

async function pushRecord(
  context: ImageContext,
  record: Pick<ImageRecord, "name" | "target">,
  reference: Reference,
  options: PushOptions,
): Promise<void> {
  const { store } = context;
  await withLease(store, `push ${canonical(reference)}`, async (lease) => {
    store.leases.hold(lease, { digest: record.target.digest });
    const target = await chooseTarget(context, record, options.platform);
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const repository = await openRepository(reference, {
      settings: options.insecure
        ? { ...context.config, insecureRegistries: [...context.config.insecureRegistries, reference.domain] }
        : context.config,
      auth: options.auth,
      use: "push",
      signal,
    });
    try {
      await new Push(context, repository, options.progress, signal, failed).run(target, reference);
    } catch (error) {
      options.signal.throwIfAborted();
      throw pushError(reference, failed.signal.aborted ? failed.signal.reason : error);
    }
    if (target.digest !== record.target.digest && !options.platform)
      options.progress({
        progressDetail: {},
        aux: { manifestPushedInsteadOfIndex: true, originalIndex: record.target, selectedManifest: target },
      });
    announce(context, "push", familiar(reference), familiarRepository(reference), record.target);
    if (reference.tag !== undefined)
      options.progress({ status: `${reference.tag}: digest: ${target.digest} size: ${target.size}` });
  });
}

/**
 * The whole index when all of it is here; else the one manifest that is, or that suits the host. Errors: not-found, and
 * conflict when that leaves a choice.
 */
export async function chooseTarget(
  { store: { content }, environment }: ImageContext,
  record: Pick<ImageRecord, "name" | "target">,
  platform: Platform | undefined,
): Promise<Descriptor> {
  const { target } = record;
  if (!isIndex(target.mediaType) && !platform) return target;
  const descriptors = await manifestsOf(content, target);
  const states = await Promise.all(descriptors.map((descriptor) => inspectManifest(content, descriptor)));
  const complete = states.every(({ available }) => available);
  if (!platform && complete) return target;
  const wanted = platform && exactly(platform);
  const suiting = states.filter(
    (state) =>
      state.available &&
      state.kind === "image" &&
      state.platform &&
      (!wanted || wanted.rank(state.platform) !== undefined),
  );
  const [first] = suiting;
  if (!first) throw platformNotFound(familiarOf(record), platform);
  if (suiting.length === 1) return first.descriptor;
  if (platform)
    throw conflict(`multiple manifests found for platform ${formatPlatformWithVersion(platform)}`);
  const host = suiting.find(
    (state) => state.platform && runsOn(environment.platform).rank(state.platform) === 0,
  );
  if (!host) throw conflict("multiple matching manifests found but no specific platform requested");
  return host.descriptor;
}

class Push {
  private readonly slots: Slots;
  /** Blobs of which something was said. */
  private readonly begun = new Set<Descriptor>();

  constructor(
    private readonly context: ImageContext,
    private readonly repository: Repository,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
    private readonly failed: AbortController,
  ) {
    this.slots = new Slots(context.config.maxConcurrentUploads);
  }

  async run(target: Descriptor, reference: Reference): Promise<void> {
    const { content } = this.context.store;
    const all = await walk(content, target);
    const blobs = all.filter(({ mediaType }) => !isIndex(mediaType) && !isManifest(mediaType));
    // Most blobs are settled before anybody could read that they wait.
    const waiting = setTimeout(() => {
      for (const blob of blobs) if (!this.begun.has(blob)) this.say(blob, "Waiting");
    }, SHOW_EVERY);
    const uploads = blobs.map((blob) => this.slots.run(this.signal, () => this.pushBlob(blob)));
    for (const upload of uploads) upload.catch((error) => this.failed.abort(error));
    await Promise.allSettled(uploads);
    clearTimeout(waiting);
    this.signal.throwIfAborted();
    // walk() names parents before children; registries want children first.
    const manifests = all.filter(({ mediaType }) => isIndex(mediaType) || isManifest(mediaType)).reverse();
    for (const manifest of manifests) {
      const isRoot = manifest.digest === target.digest;
      await this.pushManifest(manifest, isRoot ? (reference.tag ?? manifest.digest) : manifest.digest);
    }
    for (const { digest } of all) noteSource(this.context.store, digest, this.repository);
  }

  private async pushBlob(blob: Descriptor): Promise<void> {
    const info = this.context.store.content.info(blob.digest);
    if (await this.repository.hasBlob(blob.digest)) {
      this.say(blob, isLayer(blob.mediaType) ? "Layer already exists" : "Already exists");
      return;
    }
    const own = this.repository.reference.path;
    const sources = sourcesOf(info?.labels ?? {}, this.repository.reference.domain);
    for (const from of sources.filter((path) => path !== own).slice(0, 3))
      if (await this.repository.mountBlob(blob.digest, from)) {
        this.say(blob, `Mounted from ${from}`);
        return;
      }
    if (!info) throw notFound(`content ${blob.digest}: not found`);
    const path = this.context.store.content.path(blob.digest);
    let shownAt = 0;
    await this.repository.uploadBlob(
      blob,
      (from) => Bun.file(path).slice(from),
      (current) => {
        if (!isShown(blob) || performance.now() - shownAt < SHOW_EVERY) return;
        shownAt = performance.now();
        this.begun.add(blob);
        this.progress({
          status: "Pushing",
          progressDetail: { current, total: blob.size },
          id: shortDigest(blob.digest),
        });
      },
    );
    this.say(blob, "Pushed");
  }

  private async pushManifest(manifest: Descriptor, name: string): Promise<void> {
    if (await this.repository.hasManifest(name, manifest.digest)) return;
    const bytes = await this.context.store.content.read(manifest.digest);
    await this.repository.putManifest(name, bytes, manifest.mediaType);
  }

  private say(blob: Descriptor, status: string): void {
    this.begun.add(blob);
    if (isShown(blob)) this.progress({ status, progressDetail: {}, id: shortDigest(blob.digest) });
  }
}

/** Configs are small and not shown, as in Docker. */
const isShown = ({ mediaType }: Descriptor): boolean =>
  !/\.config\.v1\+json$|container\.image\.v1\+json$/.test(mediaType);

function pushError(reference: Reference, error: unknown): Error {
  if (error instanceof NetworkError) return systemError(`failed to do request: ${error.message}`, error);
  if (error instanceof BerthError && error.kind === "unauthorized")
    return new BerthError(
      "forbidden",
      `push access denied for ${familiarRepository(reference)}, repository does not exist or may require authorization: ${error.message}`,
      { cause: error },
    );
  return error instanceof Error ? error : systemError(String(error));
}

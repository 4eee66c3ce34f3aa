// A pull: manifests, then config and layers side by side, unpacked as they arrive; the name is written last. Durable
// steps in their order: lease, blobs, layers, record. A pull that was cut off anywhere is finished by the next one.
import { BerthError, messageOf, notFound, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Digest } from "../oci/digest.ts";
import {
  canonical,
  familiar,
  familiarRepository,
  parseReference,
  type Reference,
  withTag,
} from "../oci/reference.ts";
import type { Descriptor, ImageConfig, Manifest, Platform } from "../oci/types.ts";
import { NetworkError, openRepository, type RegistryAuth, type Repository } from "../registry/index.ts";
import { withLease } from "../store/index.ts";
import type { ImageRecord, LeaseId } from "../store/types.ts";
import { builtInFor, recordBuiltIn } from "./built-in/index.ts";
import type { ImageContext } from "./context.ts";
import { sayDiskFull } from "./disk-full.ts";
import type { Downloads } from "./downloads.ts";
import { type ChosenManifest, fetchManifests, stackOf } from "./fetch-manifests.ts";
import type { Layers } from "./layers.ts";
import { isLayer } from "./manifests.ts";
import { LayerProgress } from "./pull-progress.ts";
import { announce, recordImage } from "./records.ts";
import type { Progress } from "./types.ts";

export interface PullOptions {
  platform?: Platform;
  auth?: RegistryAuth;
  allTags?: boolean;
  builtIn?: boolean;
  progress: Progress;
  signal: AbortSignal;
}

/** What pulls of one Images share. */
export interface PullWorks {
  downloads: Downloads;
  layers: Layers;
}

/** How long the names that come with Berth wait for a registry's first answer, in milliseconds. */
const BUILT_IN_PATIENCE = 2_500;

/** Layers of so many bytes are unpacked while they arrive; smaller ones are here before a worker has started. */
const LIVE_FROM = 1 << 20;

/** Brings an image by tag or digest, or all tags of a repository. */
export async function pullImage(
  context: ImageContext,
  works: PullWorks,
  text: string,
  options: PullOptions,
): Promise<ImageRecord> {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined || !options.allTags)
    return await pullOne(context, works, text, options);
  const repository = await openRepository(reference, {
    settings: context.config,
    auth: options.auth,
    use: "pull",
    signal: options.signal,
  });
  const tags = await repository.tags().catch((error: unknown) => {
    throw pullError(reference, error);
  });
  let last: ImageRecord | undefined;
  for (const tag of tags) {
    const name = canonical(withTag(reference, tag));
    try {
      last = await pullOne(context, works, name, { ...options, builtIn: false });
    } catch (error) {
      options.signal.throwIfAborted();
      const kind = error instanceof BerthError ? error.kind : "system";
      throw new BerthError(kind, `error pulling ${name}: ${messageOf(error)}`, { cause: error });
    }
  }
  if (!last) throw notFound(`repository ${familiar(reference)} has no tags`);
  return last;
}

async function pullOne(
  context: ImageContext,
  works: PullWorks,
  text: string,
  options: PullOptions,
): Promise<ImageRecord> {
  const { store, environment } = context;
  const parsed = parseReference(text);
  const reference: Reference = parsed.digest
    ? { domain: parsed.domain, path: parsed.path, digest: parsed.digest }
    : { ...parsed, tag: parsed.tag ?? "latest" };
  const builtIn =
    options.builtIn === false ? undefined : builtInFor(text, options.platform, environment.platform);
  return await withLease(
    store,
    `pull ${canonical(reference)}`,
    async (lease) => {
      failpoint("pull.lease-opened");
      const repository = await openRepository(reference, {
        settings: context.config,
        auth: options.auth,
        use: "pull",
        signal: options.signal,
        ...(builtIn && { firstAnswerWithin: BUILT_IN_PATIENCE }),
      });
      let root: Descriptor;
      try {
        root = await repository.resolve(parsed.digest ?? reference.tag ?? "latest");
      } catch (error) {
        options.signal.throwIfAborted();
        if (!builtIn || repository.reached || !(error instanceof NetworkError))
          throw pullError(reference, error);
        options.progress({
          status: `No registry could be reached: using the ${builtIn} image that comes with Berth`,
        });
        const made = await recordBuiltIn(context, works.layers, builtIn, reference, lease, options.signal);
        return finish(context, reference, made, options.progress);
      }
      const pull = new Pull(context, works, repository, reference, options, lease);
      try {
        return finish(context, reference, await pull.bring(root), options.progress);
      } catch (error) {
        options.signal.throwIfAborted();
        throw pullError(reference, sayDiskFull(error));
      }
    },
    options.signal,
  );
}

/** The record and the last two lines. */
function finish(
  context: ImageContext,
  reference: Reference,
  { root, before }: { root: Descriptor; before: Digest | undefined },
  progress: Progress,
): ImageRecord {
  const record = recordImage(context.store, reference, root);
  failpoint("pull.image-recorded");
  announce(context, "pull", familiar(reference), familiarRepository(reference), root);
  progress({ status: `Digest: ${root.digest}` });
  const name = familiar(reference);
  progress({
    status:
      before === root.digest
        ? `Status: Image is up to date for ${name}`
        : `Status: Downloaded newer image for ${name}`,
  });
  return record;
}

class Pull {
  constructor(
    private readonly context: ImageContext,
    private readonly works: PullWorks,
    private readonly repository: Repository,
    private readonly reference: Reference,
    private readonly options: PullOptions,
    private readonly lease: LeaseId,
  ) {}

  async bring(root: Descriptor): Promise<{ root: Descriptor; before: Digest | undefined }> {
    const { store, environment } = this.context;
    const before = store.images.get(canonical(this.reference))?.target.digest;
    const platform = this.options.platform ?? environment.platform;
    const chosen = await fetchManifests(store, this.repository, root, platform, this.lease);
    this.options.progress({
      status: `Pulling from ${this.reference.path}`,
      id: this.reference.tag ?? canonical(this.reference),
    });
    await this.bringContent(chosen);
    return { root, before };
  }

  private async bringContent({ manifest, descriptor }: ChosenManifest): Promise<void> {
    const { store } = this.context;
    // A failure of one part ends the others at once.
    const failed = new AbortController();
    const signal = AbortSignal.any([this.options.signal, failed.signal]);
    const quiet = this.isComplete(manifest);
    const layers = manifest.layers.map((layer) => {
      const shown = new LayerProgress(layer.digest, quiet ? () => undefined : this.options.progress);
      shown.pulling();
      return { layer, shown };
    });
    const followed = this.isImage(manifest)
      ? manifest.layers.filter(({ mediaType, size }) => isLayer(mediaType) && size >= LIVE_FROM)
      : [];
    for (const { digest } of followed) this.works.downloads.offerLive(digest);
    const config = this.download(manifest.config, undefined, signal);
    const parts = layers.map(({ layer, shown }) => ({
      layer,
      shown,
      ready: this.download(layer, shown, signal),
    }));
    for (const part of [config, ...parts.map(({ ready }) => ready)])
      part.catch((error) => failed.abort(error));
    try {
      await config;
      const image = await store.content.readJson<ImageConfig>(manifest.config.digest);
      const stack = this.isImage(manifest) ? stackOf(manifest, image) : [];
      const top = await this.works.layers.unpackStack(
        stack.map(({ descriptor: layer, diffId }) => {
          const part = parts.find((candidate) => candidate.layer === layer);
          return {
            descriptor: layer,
            diffId,
            unpacking: () => part?.shown.extracting(),
            unpacked: () => part?.shown.unpacked(),
          };
        }),
        this.lease,
        signal,
      );
      await Promise.all(parts.map(({ ready }) => ready));
      const labels = store.content.info(descriptor.digest)?.labels ?? {};
      if (top) store.content.setLabels(descriptor.digest, { ...labels, unpacked: top });
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled([config, ...parts.map(({ ready }) => ready)]);
      throw error;
    } finally {
      for (const { shown } of layers) shown.stop();
      for (const { digest } of followed) this.works.downloads.endLive(digest);
    }
  }

  /** Artifacts are kept, not unpacked: what has no layer of ours has no file system. */
  private isImage(manifest: Manifest): boolean {
    return manifest.layers.length === 0 || manifest.layers.some(({ mediaType }) => isLayer(mediaType));
  }

  /** Docker says nothing of layers when all is here. */
  private isComplete(manifest: Manifest): boolean {
    const { content } = this.context.store;
    return [manifest.config, ...manifest.layers].every(({ digest }) => content.info(digest));
  }

  private async download(
    descriptor: Descriptor,
    shown: LayerProgress | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const existed = await this.works.downloads.fetch({
      repository: this.repository,
      descriptor,
      lease: this.lease,
      signal,
      report: (bytes) => shown?.downloading(bytes, descriptor.size),
      waiting: () => shown?.waiting(),
    });
    shown?.downloaded(existed);
  }
}

/** What went wrong, as dockerd tells it: which reference, at which step. */
function pullError(reference: Reference, error: unknown): Error {
  const name = canonical(reference);
  if (error instanceof NetworkError)
    return systemError(
      `failed to resolve reference "${name}": failed to do request: ${error.message}`,
      error,
    );
  if (!(error instanceof BerthError)) return error instanceof Error ? error : systemError(String(error));
  if (error.kind === "not-found" && error.message.endsWith(`${tail(reference)}: not found`))
    return notFound(`failed to resolve reference "${name}": ${error.message}`, error);
  if (error.kind === "unauthorized" || error.kind === "forbidden") {
    if (error.message === "no basic auth credentials")
      return systemError(`failed to resolve reference "${name}": ${error.message}`, error);
    return notFound(
      `pull access denied for ${familiarRepository(reference)}, repository does not exist or may require 'docker login'`,
      error,
    );
  }
  return error;
}

const tail = (reference: Reference): string => canonical(reference).slice(reference.domain.length);

// A container's changes become an image: its image's layers, one more with the changes, and a config of its own.
//
// The new layer is not unpacked here: the first container of the image does that, as of any image whose layers are not. What is
// unpacked is then what the blob says, also when the container wrote on while it was read; and an image that is only pushed or saved
// never costs the disk twice.
import { failpoint } from "../base/failpoint.ts";
import type { Digest } from "../oci/digest.ts";
import { familiar, type Reference } from "../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type ImageRunConfig,
  type Manifest,
  MEDIA,
} from "../oci/types.ts";
import type { PackedChanges, Packing } from "../store/index.ts";
import { withLease } from "../store/index.ts";
import type { LeaseId, Store } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { storeImage } from "./import.ts";
import { PARENT_LABEL, UNPACKED_SIZE_LABEL } from "./labels.ts";
import { announce, recordImage } from "./records.ts";

/** What holds an image's parts until its record does; a starting daemon closes those of the one before it. */
export const COMMIT_LEASE = "commit a container";

export interface CommitOptions {
  /** Checked; without one the image stays untagged. */
  name?: Reference;
  /** The image that the container was made of, and its manifest. */
  parent: { id: Digest; manifest: Digest };
  config: ImageRunConfig;
  author: string;
  comment: string;
  /** The container's command, for the history. */
  createdBy: string;
  /** The changes, packed when this is called. */
  pack(): Packing<PackedChanges>;
  /** Looks at the container once more before its image is recorded; throws when it must not be. */
  check(): void;
}

/** Answers the image's id. Errors: not-found (a part of the container's image is gone), system. */
export async function commitImage(context: ImageContext, options: CommitOptions): Promise<Digest> {
  const { store } = context;
  return await withLease(store, COMMIT_LEASE, async (lease) => {
    const manifest = await store.content.readJson<Manifest>(options.parent.manifest);
    holdParts(store, lease, manifest);
    const base = await store.content.readJson<ImageConfig>(manifest.config.digest);
    const layer = await takeChanges(store, lease, options.pack());
    failpoint("commit.layer-stored");
    const config = childConfig(base, layer?.diffId, options);
    const layers = [...manifest.layers, ...(layer ? [layer.descriptor] : [])];
    const target = await storeImage(store, config, layers, lease);
    options.check();
    store.content.setLabels(target.digest, {
      ...store.content.info(target.digest)?.labels,
      [PARENT_LABEL]: options.parent.id,
    });
    failpoint("commit.content-stored");
    recordImage(store, options.name, target);
    failpoint("commit.image-recorded");
    announce(context, "create", target.digest, target.digest, target);
    if (options.name) announce(context, "tag", target.digest, familiar(options.name), target);
    return target.digest;
  });
}

/** The parent's parts, which nobody may collect until the new image names them. */
function holdParts(store: Store, lease: LeaseId, { config, layers }: Manifest): void {
  for (const { digest } of [config, ...layers]) store.leases.hold(lease, { digest });
}

/** The changes as a blob; undefined when there are none. */
async function takeChanges(
  store: Store,
  lease: LeaseId,
  { output, result }: Packing<PackedChanges>,
): Promise<{ descriptor: Descriptor; diffId: Digest } | undefined> {
  await using writer = await store.content.writer(`commit-${crypto.randomUUID()}`, lease, {
    resumable: false,
  });
  try {
    for await (const chunk of output) await writer.write(chunk);
    const { entries, diffId, unpackedSize } = await result;
    if (entries === 0) {
      await writer.abort();
      return undefined;
    }
    const { digest, size } = await writer.commit({}, { [UNPACKED_SIZE_LABEL]: String(unpackedSize) });
    return { descriptor: { mediaType: MEDIA.ociLayerGzip, digest, size }, diffId };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function childConfig(
  base: ImageConfig,
  diffId: Digest | undefined,
  { author: asked, comment, createdBy, config }: CommitOptions,
): ImageConfig {
  const created = new Date().toISOString();
  const author = asked || base.author;
  const { os, architecture, variant } = base;
  return {
    created,
    ...(author && { author }),
    architecture,
    os,
    ...(variant && { variant }),
    ...(base["os.version"] && { "os.version": base["os.version"] }),
    ...(base["os.features"] && { "os.features": base["os.features"] }),
    config,
    rootfs: { type: "layers", diff_ids: [...(base.rootfs?.diff_ids ?? []), ...(diffId ? [diffId] : [])] },
    history: [
      ...(base.history ?? []),
      {
        created,
        ...(createdBy && { created_by: createdBy }),
        ...(author && { author }),
        ...(comment && { comment }),
        ...(!diffId && { empty_layer: true }),
      },
    ],
  };
}

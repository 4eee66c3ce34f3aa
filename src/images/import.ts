// `docker import`: an archive of a file system becomes an image of one layer.

import type { ChainId, Digest } from "../oci/digest.ts";
import { digestOf } from "../oci/digest.ts";
import { canonical, familiar, parseReference } from "../oci/reference.ts";
import { type Descriptor, type ImageConfig, type Manifest, MEDIA, type Platform } from "../oci/types.ts";
import { withLease } from "../store/index.ts";
import type { LeaseId, Store } from "../store/types.ts";
import { applyChanges } from "./changes.ts";
import type { ImageContext } from "./context.ts";
import { takeLayer } from "./layer-intake.ts";
import { checkTagTarget } from "./names.ts";
import { announce, recordImage } from "./records.ts";
import type { Progress } from "./types.ts";

export interface ImportOptions {
  /** Without one the image stays untagged. */
  reference?: string;
  changes: string[];
  message?: string;
  platform?: Platform;
  progress: Progress;
}

/** Answers the image's id, which is also said as progress. Errors: invalid for changes, names and archives. */
export async function importImage(
  context: ImageContext,
  archive: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<Digest> {
  const { store, environment } = context;
  const name =
    options.reference === undefined ? undefined : checkTagTarget(parseReference(options.reference));
  const runConfig = applyChanges({}, options.changes);
  return await withLease(store, `import ${name ? canonical(name) : ""}`, async (lease) => {
    const { descriptor, unpacked } = await takeLayer(store, archive, lease);
    const { id, diffId, size, inodes, implied } = unpacked;
    const chain = diffId as string as ChainId;
    await store.snapshots.commitLayer(id, chain, { size, inodes, implied });
    const created = new Date().toISOString();
    const config: ImageConfig = {
      created,
      ...(options.platform ?? environment.platform),
      config: runConfig,
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created, ...(options.message && { comment: options.message }) }],
    };
    const target = await storeImage(store, config, [descriptor], lease);
    store.content.setLabels(target.digest, { unpacked: chain });
    recordImage(store, name, target);
    if (name) announce(context, "tag", target.digest, familiar(name), target);
    announce(context, "import", target.digest, target.digest, target);
    options.progress({ status: target.digest });
    return target.digest;
  });
}

/** Stores an OCI config and manifest; answers the manifest's descriptor. */
export async function storeImage(
  store: Store,
  config: ImageConfig,
  layers: Descriptor[],
  lease: LeaseId,
): Promise<Descriptor> {
  const configBytes = encode(config);
  await store.content.put(configBytes, lease);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, digest: digestOf(configBytes), size: configBytes.length },
    layers,
  };
  const bytes = encode(manifest);
  await store.content.put(bytes, lease);
  return { mediaType: MEDIA.ociManifest, digest: digestOf(bytes), size: bytes.length };
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

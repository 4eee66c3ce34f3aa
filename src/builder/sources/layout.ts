// `oci-layout://NAME@DIGEST`: an image in a folder of the client's in OCI's image layout, read over its session. Its manifests come
// when it is asked for, its layers when somebody needs them. The name says nothing: the digest is what counts.
import { invalid, messageOf, notFound } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { chainIds, type Digest } from "../../oci/digest.ts";
import { bestMatch, formatPlatform, runsOn } from "../../oci/platform.ts";
import { parseReference } from "../../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
  MEDIA,
  type Platform,
} from "../../oci/types.ts";
import type { LeaseId, Store } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import { type ClientStore, openClientStore } from "../session/client-store.ts";
import type { Session } from "../session/sessions.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import type { BaseImage, ProgressOptions } from "../types.ts";
import { layerLimitOf, openImage, platformOf } from "./image-ref.ts";
import { transferParts } from "./transfer-parts.ts";

const SCHEME = "oci-layout://";
/** Bytes that a manifest, an index or a config may have. */
const DOCUMENT_LIMIT = 4 << 20;
const MAX_DEPTH = 4;

export interface LayoutRequest {
  /** `NAME@DIGEST`. */
  reference: string;
  /** What the client calls the folder. */
  store: string;
  platform: Platform;
  lease: LeaseId;
  signal: AbortSignal;
}

/** Errors: invalid for a reference without a digest and for what is no image; not-found where the folder has none for the platform. */
export async function resolveLayout(
  store: Store,
  session: Session,
  { reference, store: id, platform, lease, signal }: LayoutRequest,
): Promise<BaseImage> {
  const { digest } = parseReference(reference);
  if (digest === undefined) throw invalid(`reference ${JSON.stringify(reference)} must have digest`);
  const folder = openClientStore(session, `oci:${id}`);
  const read = async (wanted: Digest) => {
    try {
      return await document(store, folder, wanted, lease, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      throw notFound(
        `failed to resolve ${reference} of the client's OCI layout: ${messageOf(thrown)}`,
        thrown,
      );
    }
  };
  const manifest = await findManifest(digest, platform, read);
  const { config, layers } = parsed<Manifest>(manifest.bytes);
  const configBytes = (await read(config.digest)).bytes;
  const image = parsed<ImageConfig>(configBytes);
  return {
    reference,
    root: digest,
    manifest: manifest.descriptor,
    config: image,
    configBytes,
    platform: image.os ? { os: image.os, architecture: image.architecture, ...variantOf(image) } : platform,
    chain: layers.length > 0 ? chainIds(image.rootfs?.diff_ids ?? []).at(-1) : undefined,
    auth: async () => undefined,
  };
}

const variantOf = ({ variant }: ImageConfig) => (variant ? { variant } : {});

interface Document {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

async function findManifest(
  root: Digest,
  platform: Platform,
  read: (digest: Digest) => Promise<{ bytes: Uint8Array }>,
): Promise<Document> {
  let digest = root;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { bytes } = await read(digest);
    const mediaType = mediaTypeOf(bytes);
    if (isManifest(mediaType)) return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
    if (!isIndex(mediaType))
      throw invalid(`reference ${JSON.stringify(digest)} contains neither an index nor a manifest`);
    const { manifests = [] } = parsed<Index>(bytes);
    const best =
      bestMatch(manifests, runsOn(platform), (each) => each.platform) ??
      manifests.find((each) => !each.platform);
    if (!best) throw notFound(`no match for platform in manifest: ${formatPlatform(platform)}`);
    digest = best.digest;
  }
  throw invalid(`index ${root}: indexes within indexes, more than ${MAX_DEPTH} deep`);
}

function mediaTypeOf(bytes: Uint8Array): string {
  const { mediaType, manifests, config } = parsed<Partial<Index & Manifest>>(bytes);
  if (mediaType) return mediaType;
  return manifests ? MEDIA.ociIndex : config ? MEDIA.ociManifest : "";
}

function parsed<T>(bytes: Uint8Array): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
  } catch (thrown) {
    throw invalid(`an OCI layout's document is not JSON: ${messageOf(thrown)}`, thrown);
  }
  throw invalid("an OCI layout's document is not a JSON object");
}

/** Brings a small blob; the lease holds it. */
async function document(
  store: Store,
  folder: ClientStore,
  digest: Digest,
  lease: LeaseId,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array }> {
  if (store.content.info(digest)) {
    store.leases.hold(lease, { digest });
    return { bytes: await store.content.read(digest) };
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of folder.read(digest, 0, signal)) {
    length += part.length;
    if (length > DOCUMENT_LIMIT) throw invalid(`${digest} has more than ${DOCUMENT_LIMIT} bytes`);
    parts.push(part);
  }
  await using writer = await store.content.writer(`layout ${lease} ${digest}`, lease);
  const bytes = Buffer.concat(parts);
  await writer.truncate();
  await writer.write(bytes);
  await writer.commit({ digest });
  return { bytes };
}

/** Brings the layers that aren't here, one after the other. Errors: invalid for what isn't what its digest says. */
async function bringLayers(
  store: Store,
  folder: ClientStore,
  manifest: Digest,
  { lease, signal, progress }: ProgressOptions & { lease: LeaseId },
): Promise<void> {
  for (const { digest, size } of parsed<Manifest>(await store.content.read(manifest)).layers) {
    if (store.content.info(digest)) {
      store.leases.hold(lease, { digest });
      continue;
    }
    await using writer = await store.content.writer(`layout ${lease} ${digest}`, lease);
    await writer.truncate();
    let current = 0;
    progress({ id: digest, action: "downloading", current, total: size });
    for await (const part of folder.read(digest, 0, signal)) {
      await writer.write(part);
      current += part.length;
      progress({ id: digest, action: "downloading", current, total: size });
    }
    await writer.commit({ digest, size });
    progress({ id: digest, action: "done", current, total: size, done: true });
  }
}

export function layoutSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const reference = op.identifier.slice(SCHEME.length);
  const { store } = environment.host;
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const session = await environment.session(op.attrs["oci.session"] || undefined);
      const id = op.attrs["oci.store"] ?? "";
      const part = progress.part(`resolve ${reference}`);
      part({});
      const platform = platformOf(vertex, environment);
      const image = await resolveLayout(store, session, { reference, store: id, platform, lease, signal });
      part({ done: true });
      const opened = openImage(vertex, image, environment, {
        lease,
        progress,
        signal,
        limit: layerLimitOf(op, "oci.layerlimit"),
        bring: () =>
          bringLayers(store, openClientStore(session, `oci:${id}`), image.manifest.digest, {
            lease,
            signal,
            progress: transferParts(progress),
          }),
      });
      environment.materials.image(reference, image);
      return opened;
    },
  };
}

// The first half of a pull: from a tag to the manifest that suits this host, each verified and stored.
import { invalid, notFound, systemError } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { bestMatch, formatPlatformWithVersion, runsOn } from "../oci/platform.ts";
import { familiar, type Reference } from "../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
  type Platform,
} from "../oci/types.ts";
import type { Repository } from "../registry/index.ts";
import type { LeaseId, Store } from "../store/types.ts";
import { noteSource } from "./downloads.ts";
import { isLayer } from "./manifests.ts";

const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1";
/** Indexes may name indexes; deeper than this nobody builds them. */
const MAX_DEPTH = 4;

export interface ChosenManifest {
  root: Descriptor;
  descriptor: Descriptor;
  manifest: Manifest;
}

/**
 * Stores the root and what leads to the manifest for `platform`. Errors: not-found in Docker's words when the index has
 * none for it, invalid for what is no image.
 */
export async function fetchManifests(
  store: Store,
  repository: Repository,
  root: Descriptor,
  platform: Platform,
  lease: LeaseId,
): Promise<ChosenManifest> {
  let descriptor = root;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (descriptor.mediaType.startsWith(SCHEMA_1)) throw schema1Refused(repository.reference);
    const document = await fetchDocument(store, repository, descriptor, lease);
    if (isManifest(descriptor.mediaType))
      return { root, descriptor, manifest: checkManifest(document, descriptor) };
    if (!isIndex(descriptor.mediaType))
      throw invalid(`unsupported media type ${descriptor.mediaType} of ${descriptor.digest}: not an image`);
    descriptor = choose(document as unknown as Index, descriptor, platform);
  }
  throw invalid(`index ${root.digest}: indexes within indexes, more than ${MAX_DEPTH} deep`);
}

/** Manifest or index as an object; brought from the registry unless it is here. */
async function fetchDocument(
  store: Store,
  repository: Repository,
  descriptor: Descriptor,
  lease: LeaseId,
): Promise<Record<string, unknown>> {
  const { digest, size } = descriptor;
  if (store.content.info(digest)) store.leases.hold(lease, { digest });
  else {
    const { bytes } = await repository.manifest(digest);
    if (bytes.length !== size)
      throw systemError(`${digest}: the registry sends ${bytes.length} bytes where ${size} were announced`);
    await store.content.put(bytes, lease);
  }
  noteSource(store, digest, repository);
  const document: unknown = await store.content.readJson(digest);
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw invalid(`manifest ${digest} is not a JSON object`);
  return document as Record<string, unknown>;
}

/** The entry of an index for a platform; entries that don't say theirs are taken last. */
function choose(index: Index, descriptor: Descriptor, platform: Platform): Descriptor {
  const entries = Array.isArray(index.manifests) ? index.manifests : [];
  const usable = entries.filter((entry) => isIndex(entry.mediaType) || isManifest(entry.mediaType));
  const best =
    bestMatch(usable, runsOn(platform), (entry) => entry.platform) ??
    usable.find((entry) => entry.platform === undefined);
  if (!best) {
    const name = formatPlatformWithVersion(platform);
    throw notFound(
      `no matching manifest for ${name} in the manifest list entries: no match for platform in manifest: not found`,
    );
  }
  return checkDescriptor(best, descriptor.digest);
}

/** The parts of a manifest, checked as far as what follows relies on them. */
function checkManifest(document: Record<string, unknown>, { digest }: Descriptor): Manifest {
  const manifest = document as unknown as Manifest;
  if (manifest.schemaVersion !== 2) throw invalid(`manifest ${digest}: unsupported schema version`);
  if (typeof manifest.config !== "object" || manifest.config === null)
    throw invalid(`manifest ${digest} has no config`);
  checkDescriptor(manifest.config, digest);
  if (!Array.isArray(manifest.layers ?? [])) throw invalid(`manifest ${digest}: layers is not a list`);
  for (const layer of manifest.layers ?? []) checkDescriptor(layer, digest);
  return { ...manifest, layers: manifest.layers ?? [] };
}

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

function checkDescriptor(descriptor: Descriptor, within: Digest): Descriptor {
  const { digest, size, mediaType } = descriptor;
  if (typeof digest !== "string" || !DIGEST.test(digest) || typeof mediaType !== "string")
    throw invalid(`manifest ${within} has a descriptor without a valid digest or media type`);
  if (!Number.isSafeInteger(size) || size < 0)
    throw invalid(`manifest ${within}: ${digest} has no valid size`);
  return descriptor;
}

function schema1Refused(reference: Reference): Error {
  return invalid(
    `Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of ${familiar(reference)} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/`,
  );
}

/**
 * The diff ids of an image's config, one for each layer. Errors: invalid when the two don't go together, or when what
 * is called an image has no file system.
 */
export function stackOf(
  manifest: Manifest,
  config: ImageConfig,
): { descriptor: Descriptor; diffId: Digest }[] {
  const layers = manifest.layers.filter(({ mediaType }) => isLayer(mediaType));
  const diffIds = config.rootfs?.diff_ids ?? [];
  if (layers.length !== diffIds.length)
    throw invalid(
      `mismatched image rootfs and manifest layers: ${diffIds.length} diff ids for ${layers.length} layers`,
    );
  return layers.map((descriptor, at) => {
    const diffId = diffIds[at] as Digest;
    if (!DIGEST.test(diffId))
      throw invalid(`invalid diff id ${JSON.stringify(diffId)} in the image's config`);
    return { descriptor, diffId };
  });
}

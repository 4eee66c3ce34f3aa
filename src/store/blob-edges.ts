// What an index or a manifest keeps alive, read once when it comes in.
import { type Digest, isDigest } from "../oci/digest.ts";

export interface BlobEdge {
  source: Digest;
  target: Digest;
}

/** Nothing that has edges is bigger: registries' own limit (distribution-spec, "Pushing Manifests"). */
export const MANIFEST_LIMIT = 4 << 20;

/**
 * The edges of a blob: from an index to its manifests, from a manifest to its config and layers, and from a subject
 * to what refers to it (image-spec, manifest.md, `subject`). None for anything that isn't an index or a manifest.
 */
export function edgesOf(digest: Digest, bytes: Uint8Array): BlobEdge[] {
  if (bytes.length > MANIFEST_LIMIT || bytes[0] !== 0x7b) return []; // "{"
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return []; // A layer that begins with a brace, or a broken manifest, which whoever reads it will tell
  }
  const { schemaVersion, manifests, config, layers, subject } = document as Record<string, unknown>;
  if (schemaVersion !== 2) return [];
  const targets = [manifests, layers, [config]].flatMap((list) =>
    Array.isArray(list) ? list.map(digestIn) : [],
  );
  const edges = targets
    .filter((target) => target !== undefined)
    .map((target) => ({ source: digest, target }));
  const referred = digestIn(subject);
  if (referred) edges.push({ source: referred, target: digest });
  return edges;
}

function digestIn(descriptor: unknown): Digest | undefined {
  const digest = (descriptor as { digest?: unknown } | null | undefined)?.digest;
  return typeof digest === "string" && isDigest(digest) ? digest : undefined;
}

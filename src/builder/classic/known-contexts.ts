// What small archives came to, by their bytes: a build with the very same context is found in the cache before anybody unpacks it.
import { createHash } from "node:crypto";
import type { Digest } from "../../oci/digest.ts";
import type { Store } from "../../store/types.ts";

/** Bytes of an archive that is looked for, and of a Dockerfile and .dockerignore that are kept. */
export const SMALL_ARCHIVE = 1 << 20;
const SMALL_TEXT = 64 << 10;
const KEPT = 64;

export interface KnownContext {
  /** The Dockerfile's. */
  name: string;
  text: Uint8Array;
  /** Undefined: there is none, or it excludes itself. */
  ignoreFile: Uint8Array | undefined;
  /** Of all files, once a build has asked for it. */
  digest?: Digest;
}

const contexts = new WeakMap<Store, Map<string, KnownContext>>();

/** `dockerfile`: as the client names it, since it may be taken out of the context. */
export const archiveKey = (chunks: readonly Uint8Array[], dockerfile: string): string => {
  const hash = createHash("sha256").update(`${dockerfile}\0`);
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
};

export function knownContext(store: Store, key: string): KnownContext | undefined {
  const known = contexts.get(store);
  const found = known?.get(key);
  if (!known || !found) return undefined;
  // The last used ones stay.
  known.delete(key);
  known.set(key, found);
  return found;
}

export function keepContext(store: Store, key: string, context: KnownContext): void {
  if (context.text.length + (context.ignoreFile?.length ?? 0) > SMALL_TEXT) return;
  const known = contexts.get(store) ?? new Map<string, KnownContext>();
  contexts.set(store, known);
  known.set(key, context);
  for (const oldest of known.keys()) {
    if (known.size <= KEPT) return;
    known.delete(oldest);
  }
}

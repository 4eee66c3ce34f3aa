// The door to the confined worker that unpacks a layer.
import { notImplemented } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";

export interface UnpackRequest {
  /** Path of the packed layer. */
  blob: string;
  mediaType: string;
  /** An empty folder. */
  directory: string;
  signal: AbortSignal;
}

export interface Unpacked {
  /** Digest of the uncompressed tar. */
  diffId: Digest;
  size: number;
  inodes: number;
  implied: string[];
}

export async function unpackBlob(_request: UnpackRequest): Promise<Unpacked> {
  throw notImplemented("unpacking layers");
}

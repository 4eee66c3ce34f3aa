// The job "recompress": a layer's archive from standard input, compressed otherwise to its first output.
import { createHash } from "node:crypto";
import type { Digest } from "../../oci/digest.ts";
import { readPlain } from "./decompress.ts";
import {
  type CompressedFacts,
  FIRST_OUTPUT,
  type LayerCompression,
  layerCompressor,
} from "./layer-compression.ts";

export interface Recompressed extends CompressedFacts {
  /** sha256 of the archive without its compression. */
  diffId: Digest;
}

/** Errors: invalid for data that is damaged or truncated. */
export async function recompress(compression: LayerCompression): Promise<Recompressed> {
  const hash = createHash("sha256");
  const output = layerCompressor(FIRST_OUTPUT, compression);
  await readPlain(0, (chunk) => {
    hash.update(chunk);
    return output.chunk(chunk);
  });
  await output.end();
  return { diffId: `sha256:${hash.digest("hex")}` as Digest, ...output.facts() };
}

// The job "unpack": a layer's archive from standard input into a folder.
import { createHash } from "node:crypto";
import { TarReader } from "../../archive/index.ts";
import { enterRoot } from "../../linux/files.ts";
import type { Digest } from "../../oci/digest.ts";
import { readPlain } from "./decompress.ts";
import { type Extracted, Extractor, type WhiteoutStyle } from "./extract.ts";

export interface Unpacked extends Extracted {
  /** sha256 of the archive without its compression (image-spec, config.md, "Layer DiffID"). */
  diffId: Digest;
}

/** Unpacks standard input into `root`, which becomes this process's root directory. */
export async function unpack(root: string, style: WhiteoutStyle): Promise<Unpacked> {
  enterRoot(root);
  process.umask(0);
  const hash = createHash("sha256");
  const extractor = new Extractor(style);
  const reader = new TarReader(extractor);
  await readPlain(0, (chunk) => {
    hash.update(chunk);
    reader.push(chunk);
  });
  reader.finish();
  return { diffId: `sha256:${hash.digest("hex")}` as Digest, ...extractor.finish() };
}

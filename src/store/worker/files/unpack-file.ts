// A file that is an archive, unpacked into a folder; anything else is left to be copied. What it is its content says: a file is an
// archive when its first header can be read (as BuildKit's ADD has it).
import { readSync } from "node:fs";
import { TarReader, TreeExtractor } from "../../../archive/index.ts";
import { close } from "../../../linux/ffi.ts";
import { readPlain } from "../decompress.ts";
import type { OwnerIds } from "./owners.ts";

/** What only a program outside of the worker can decompress. */
export type ForeignCompression = "bzip2" | "xz";

const FOREIGN: { name: ForeignCompression; magic: Buffer }[] = [
  { name: "bzip2", magic: Buffer.from("BZh") },
  { name: "xz", magic: Buffer.from("\xfd7zXZ\0", "latin1") },
];
const LONGEST_MAGIC = 6;

/** By the first bytes of an open file, which stays where it is. */
export function foreignCompression(file: number): ForeignCompression | undefined {
  const head = Buffer.alloc(LONGEST_MAGIC);
  const length = readSync(file, head, 0, LONGEST_MAGIC, 0);
  return FOREIGN.find(({ magic }) => magic.equals(head.subarray(0, Math.min(length, magic.length))))?.name;
}

/**
 * Unpacks what a descriptor gives, plain or compressed with gzip or zstd. `into` opens the folder, when the first entry came.
 * False when it is no archive: then nothing was written. Errors: invalid, system.
 */
export async function unpackFile(
  file: number,
  into: () => number,
  options: { owner: OwnerIds | undefined; shown: string },
): Promise<boolean> {
  let extractor: TreeExtractor | undefined;
  let isArchive = false;
  let folder = -1;
  const reader = new TarReader({
    entry(entry) {
      isArchive = true;
      if (!extractor) {
        folder = into();
        const { owner = "archive", shown } = options;
        extractor = new TreeExtractor(folder, { noOverwriteDirNonDir: false, owner, shown });
      }
      extractor.entry(entry);
    },
    data: (chunk) => extractor?.data(chunk),
    end: () => extractor?.end(),
  });
  try {
    await readPlain(file, (chunk) => reader.push(chunk));
    reader.finish();
    extractor?.finish();
  } catch (thrown) {
    if (isArchive) throw thrown;
  } finally {
    extractor?.[Symbol.dispose]();
    if (folder >= 0) close(folder);
  }
  return isArchive;
}

// The job "pack-changes": a container's changes as a layer (image-spec, layer.md) with gzip to standard output, the report
// to standard error.
import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, fstatSync, readSync } from "node:fs";
import { END_OF_ARCHIVE, encodeEntry, paddingOf, type TarEntry } from "../../archive/index.ts";
import { O } from "../../linux/ffi.ts";
import { attempt, enterRoot } from "../../linux/files.ts";
import type { Digest } from "../../oci/digest.ts";
import {
  bytesOf,
  type Change,
  changesIn,
  closeTrees,
  inFolder,
  openTreesIn,
  split,
  type Trees,
  type TreesStyle,
  withFolders,
} from "./changes.ts";
import {
  type CompressedFacts,
  type Compressor,
  type LayerCompression,
  layerCompressor,
} from "./layer-compression.ts";
import { CHUNK, gzipTo, inChunks, toEntry } from "./pack.ts";

export interface PackedChanges {
  /** sha256 of the archive without its compression. */
  diffId: Digest;
  /** Entries of the archive. */
  entries: number;
  /** Bytes on disk in whole blocks that they take unpacked, counted as unpacking does. */
  unpackedSize: number;
}

const FILE_SYSTEM_BLOCK = 4096;
const WHITEOUT = ".wh.";

/** Packs all changes; what the container removes while it is read is left out. */
export const packChanges = (trees: Trees): Promise<PackedChanges> => pack(trees, gzipTo(1), undefined);

export type PackedLayer = PackedChanges & CompressedFacts;

export interface LayerToPack {
  /** The folder of its views, in the root. */
  folder: string;
  style: TreesStyle;
  compression: LayerCompression;
  /** Times after it (seconds since 1970) become it. */
  latest?: number;
  /** The descriptor that takes the archive. */
  output: number;
}

/** The job "pack-layers": finished layers as they are, one after the other. */
export async function packLayers(root: string, layers: readonly LayerToPack[]): Promise<PackedLayer[]> {
  enterRoot(root);
  const packed: PackedLayer[] = [];
  for (const { folder, style, compression, latest, output } of layers) {
    const trees = openTreesIn(`/${folder}`, style, true);
    const compressor = layerCompressor(output, compression);
    packed.push({ ...(await pack(trees, compressor, latest)), ...compressor.facts() });
    closeTrees(trees);
  }
  return packed;
}

async function pack(trees: Trees, output: Compressor, latest: number | undefined): Promise<PackedChanges> {
  const hash = createHash("sha256");
  const packer = new ChangesPacker(trees, latest);
  for (const chunk of inChunks(packer.archive())) {
    hash.update(chunk);
    await output.chunk(chunk);
  }
  await output.end();
  const { entries, blocks } = packer;
  return {
    diffId: `sha256:${hash.digest("hex")}` as Digest,
    entries,
    unpackedSize: blocks * FILE_SYSTEM_BLOCK,
  };
}

class ChangesPacker {
  entries = 0;
  /** The layer's own folder is one. */
  blocks = 1;
  /** First name packed of each file that has several, by device and inode. */
  private readonly links = new Map<string, string>();
  /** Names of files as the image has them, which become links should another name of the file be new. */
  private readonly others = new Map<string, string[]>();
  private readonly buffer = Buffer.allocUnsafe(CHUNK);

  constructor(
    private readonly trees: Trees,
    private readonly latest: number | undefined,
  ) {}

  *archive(): Generator<Buffer> {
    for (const change of withFolders(changesIn(this.trees, true), (each) => this.isWanted(each)))
      yield* this.pack(change);
    yield END_OF_ARCHIVE;
  }

  private isWanted({ kind, path, facts }: Change): boolean {
    if (kind === "unmade" || facts?.isSocket()) return false;
    // A name that would read as a mark in a layer can't be told from one.
    if (split(path)[1].startsWith(WHITEOUT)) return false;
    if (kind !== "same") return true;
    const key = facts && linkKey(facts);
    if (key === undefined) return false;
    if (this.links.has(key)) return true;
    this.others.set(key, [...(this.others.get(key) ?? []), path]);
    return false;
  }

  private *pack({ kind, path, facts }: Change): Generator<Buffer> {
    if (kind === "deleted") {
      const [folder, name] = split(path);
      yield this.head(whiteout(folder ? `${folder}/${WHITEOUT}${name}` : WHITEOUT + name));
      return;
    }
    const key = facts && linkKey(facts);
    const first = key === undefined ? undefined : this.links.get(key);
    const entry = this.entryOf(path, facts as BigIntStats);
    if (!entry) return;
    if (first !== undefined) {
      yield this.link(entry, first);
      return;
    }
    if (entry.type === "file") yield* this.file(path, entry);
    else {
      if (entry.type === "directory") this.blocks++;
      yield this.head(entry);
    }
    if (key === undefined) return;
    this.links.set(key, path);
    for (const other of this.others.get(key) ?? []) yield this.link({ ...entry, name: other }, path);
  }

  private entryOf(path: string, facts: BigIntStats): TarEntry | undefined {
    const [folder, name] = split(path);
    try {
      const entry = inFolder(this.trees.written, folder, () => toEntry(path || ".", facts, name || "."));
      if (entry && this.latest !== undefined && entry.modified.seconds > this.latest)
        return { ...entry, modified: { seconds: this.latest, nanoseconds: 0 } };
      return entry;
    } catch (thrown) {
      if (["ENOENT", "EINVAL"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return undefined; // gone, or another file since
      throw thrown;
    }
  }

  private head(entry: TarEntry): Buffer {
    this.entries++;
    return encodeEntry(entry);
  }

  private link(entry: TarEntry, to: string): Buffer {
    return this.head({ ...entry, type: "link", linkName: to, size: 0, xattrs: undefined });
  }

  /** As many bytes as the header says, whatever a process that writes the file does meanwhile. */
  private *file(path: string, entry: TarEntry): Generator<Buffer> {
    const [folder, name] = split(path);
    const flags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
    const fd = inFolder(this.trees.written, folder, () => attempt.open(bytesOf(name), flags, 0)) ?? -1;
    if (fd < 0) return;
    try {
      if (!fstatSync(fd).isFile()) return;
      yield this.head(entry);
      this.blocks += Math.ceil(entry.size / FILE_SYSTEM_BLOCK);
      for (let left = entry.size; left > 0; ) {
        const count = readSync(fd, this.buffer, 0, Math.min(left, CHUNK), null);
        if (count === 0) this.buffer.fill(0);
        const taken = count || Math.min(left, CHUNK);
        yield this.buffer.subarray(0, taken);
        left -= taken;
      }
      yield Buffer.alloc(paddingOf(entry.size));
    } finally {
      closeSync(fd);
    }
  }
}

const linkKey = (facts: BigIntStats): string | undefined =>
  facts.nlink > 1n && !facts.isDirectory() ? `${facts.dev}:${facts.ino}` : undefined;

/** The empty file that says that something is gone. */
const whiteout = (name: string): TarEntry => ({
  name,
  type: "file",
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  modified: { seconds: 0, nanoseconds: 0 },
  linkName: "",
  major: 0,
  minor: 0,
});

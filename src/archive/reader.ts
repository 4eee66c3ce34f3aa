// Reads a tar archive as its bytes come, synchronously: headers are decoded, data is handed on without a copy.
import { type BerthError, invalid } from "../base/errors.ts";
import { decodeHeader, type RawHeader } from "./header.ts";
import { decodeMoment, decodePax, PAX_LIMIT } from "./pax.ts";
import { oldExtension, oldMap, paxMap, type Segment, SparseData } from "./sparse.ts";
import { BLOCK, type EntryType, type TarEntry, toText } from "./types.ts";

export interface TarHandler {
  /** A header. What it throws ends the reading. */
  entry(entry: TarEntry): void;
  /** Part of the last entry's data; valid during the call only. */
  data(chunk: Buffer): void;
  /** The last entry's data is complete. Called for files only, also for empty ones. */
  end(): void;
}

const TYPES: Record<string, EntryType> = {
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file", // contiguous
  S: "file", // GNU's sparse
};

type Meta = "pax" | "global" | "long-name" | "long-link" | "skip";
const META: Record<string, Meta> = {
  x: "pax",
  X: "pax",
  g: "global",
  L: "long-name",
  K: "long-link",
  V: "skip",
};

const OLD_SPARSE = "S";
/** Segments of one sparse file at most. */
const MAP_LIMIT = 1 << 20;

export class TarReader {
  /** The block that straddles two chunks. */
  private readonly partial = Buffer.alloc(BLOCK);
  private partialLength = 0;
  private dataLeft = 0;
  private padLeft = 0;
  private inFile = false;
  private meta: { kind: Meta; parts: Buffer[] } | undefined;
  private pax: Map<string, string> | undefined;
  private longName: string | undefined;
  private longLink: string | undefined;
  private zeros = 0;
  /** An old GNU header whose map of a sparse file goes on in the next block. */
  private mapped: { raw: RawHeader; segments: Segment[]; realSize: number } | undefined;
  private sparse: SparseData | undefined;

  constructor(private readonly handler: TarHandler) {}

  /** Takes the next bytes of the archive. Errors: invalid for what is no tar. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.zeros >= 2) return; // What follows the end is padding
      if (this.dataLeft > 0) at += this.takeData(chunk, at);
      else if (this.padLeft > 0) {
        const skipped = Math.min(this.padLeft, chunk.length - at);
        this.padLeft -= skipped;
        at += skipped;
      } else if (this.partialLength === 0 && chunk.length - at >= BLOCK) {
        this.header(chunk, at);
        at += BLOCK;
      } else {
        const taken = Math.min(BLOCK - this.partialLength, chunk.length - at);
        chunk.copy(this.partial, this.partialLength, at, at + taken);
        this.partialLength += taken;
        at += taken;
        if (this.partialLength === BLOCK) {
          this.partialLength = 0;
          this.header(this.partial, 0);
        }
      }
    }
  }

  /** The archive's bytes have ended. Errors: invalid when they ended in the middle. */
  finish(): void {
    if (this.zeros >= 2) return;
    const dangling =
      this.mapped !== undefined ||
      this.pax !== undefined ||
      this.longName !== undefined ||
      this.longLink !== undefined;
    // An end without the two zero blocks is what several writers make, and every reader takes it.
    if (this.dataLeft > 0 || this.padLeft > 0 || this.partialLength > 0 || dangling) throw truncated();
  }

  private takeData(chunk: Buffer, at: number): number {
    const length = Math.min(this.dataLeft, chunk.length - at);
    const part = chunk.subarray(at, at + length);
    this.dataLeft -= length;
    if (this.meta) this.meta.parts.push(this.meta.kind === "skip" ? Buffer.alloc(0) : Buffer.from(part));
    else if (this.sparse) this.sparse.push(part);
    else if (this.inFile) this.handler.data(part);
    if (this.dataLeft === 0) this.dataEnded();
    return length;
  }

  private dataEnded(): void {
    if (this.meta) this.metaEnded();
    else if (this.inFile) {
      this.inFile = false;
      this.sparse?.finish();
      this.sparse = undefined;
      this.handler.end();
    }
  }

  private header(block: Buffer, at: number): void {
    if (this.mapped) {
      this.continueMap(block, at);
      return;
    }
    const raw = decodeHeader(block, at);
    if (!raw) {
      this.zeros++;
      return;
    }
    if (this.zeros > 0) throw invalid("the archive is damaged: a lone block of zeros between entries");
    const kind = META[raw.flag];
    if (kind) this.beginMeta(kind, raw);
    else if (raw.flag === OLD_SPARSE) {
      const { segments, extended, realSize } = oldMap(block, at);
      if (extended) this.mapped = { raw, segments, realSize };
      else this.beginEntry(raw, { segments, realSize });
    } else this.beginEntry(raw, this.pax && sparseOf(this.pax));
  }

  private continueMap(block: Buffer, at: number): void {
    const { raw, segments, realSize } = this.mapped!;
    const more = oldExtension(block, at);
    segments.push(...more.segments);
    if (segments.length > MAP_LIMIT) throw invalid("the archive is damaged: a sparse file's map is too long");
    if (more.extended) return;
    this.mapped = undefined;
    this.beginEntry(raw, { segments, realSize });
  }

  private beginMeta(kind: Meta, raw: RawHeader): void {
    if (raw.size < 0 || (raw.size > PAX_LIMIT && kind !== "skip"))
      throw invalid(`the archive is damaged: an extended header of ${raw.size} bytes`);
    this.meta = { kind, parts: [] };
    this.beginData(raw.size);
    if (raw.size === 0) this.metaEnded();
  }

  private metaEnded(): void {
    const { kind, parts } = this.meta!;
    this.meta = undefined;
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const name = () => bytes.toString("latin1", 0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length);
    if (kind === "pax") this.pax = decodePax(bytes);
    else if (kind === "long-name") this.longName = name();
    else if (kind === "long-link") this.longLink = name();
  }

  private beginData(size: number): void {
    this.dataLeft = size;
    this.padLeft = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  private beginEntry(raw: RawHeader, sparse?: Sparse): void {
    const entry = this.toEntry(raw);
    const stored = entry.size;
    if (sparse) {
      entry.name = sparse.name ?? entry.name;
      entry.size = sparse.realSize;
    }
    this.pax = undefined;
    this.longName = undefined;
    this.longLink = undefined;
    this.handler.entry(entry);
    if (entry.type !== "file") return;
    this.inFile = true;
    this.sparse =
      sparse && new SparseData(sparse.segments, sparse.realSize, (chunk) => this.handler.data(chunk));
    this.beginData(stored);
    if (stored === 0) this.dataEnded();
  }

  private toEntry(raw: RawHeader): TarEntry {
    const { pax } = this;
    const name = pax?.get("path") ?? this.longName ?? raw.name;
    const known = TYPES[raw.flag];
    if (!known)
      throw invalid(`${toText(name)}: unknown type ${JSON.stringify(raw.flag)} of entry in the archive`);
    // Archives older than POSIX have folders as files with a slash at their end.
    const type = known === "file" && name.endsWith("/") ? "directory" : known;
    const size = pax?.has("size") ? integer(pax, "size") : raw.size;
    const [uid, gid] = [
      pax?.has("uid") ? integer(pax, "uid") : raw.uid,
      pax?.has("gid") ? integer(pax, "gid") : raw.gid,
    ];
    if (size < 0) throw invalid(`${toText(name)}: negative size in the archive`);
    if (uid < 0 || uid > 0xfffffffe || gid < 0 || gid > 0xfffffffe)
      throw invalid(`${toText(name)}: owner ${uid}:${gid} is out of range`);
    const modified = pax?.get("mtime");
    const accessed = pax?.get("atime");
    return {
      name,
      type,
      mode: raw.mode,
      uid,
      gid,
      size: type === "file" ? size : 0,
      modified: modified === undefined ? { seconds: raw.mtime, nanoseconds: 0 } : decodeMoment(modified),
      ...(accessed === undefined ? {} : { accessed: decodeMoment(accessed) }),
      linkName: pax?.get("linkpath") ?? this.longLink ?? raw.linkName,
      major: raw.major,
      minor: raw.minor,
      ...(pax ? { xattrs: xattrsOf(pax) } : {}),
    };
  }
}

export const truncated = (): BerthError => invalid("the archive is truncated: unexpected end of file");

function integer(pax: Map<string, string>, key: string): number {
  const text = pax.get(key) ?? "";
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw invalid(`the archive is damaged: a pax header has the ${key} ${JSON.stringify(text.slice(0, 40))}`);
  return value;
}

interface Sparse {
  /** Undefined: with the data. */
  segments: Segment[] | undefined;
  realSize: number;
  name?: string;
}

/** What pax records say of a sparse file, formats 0.1 and 1.0. Errors: invalid for 0.0, which tar hasn't written since 2004. */
function sparseOf(pax: Map<string, string>): Sparse | undefined {
  const name = pax.get("GNU.sparse.name");
  const common = name === undefined ? {} : { name };
  if (pax.get("GNU.sparse.major") === "1" && pax.get("GNU.sparse.minor") === "0")
    return { ...common, segments: undefined, realSize: integer(pax, "GNU.sparse.realsize") };
  const map = pax.get("GNU.sparse.map");
  if (map !== undefined)
    return { ...common, segments: paxMap(map), realSize: integer(pax, "GNU.sparse.size") };
  if ([...pax.keys()].some((key) => key.startsWith("GNU.sparse.")))
    throw invalid("a sparse file in the archive is of a format that is not supported");
  return undefined;
}

const XATTR = "SCHILY.xattr.";

function xattrsOf(pax: Map<string, string>): Map<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR)) continue;
    xattrs ??= new Map();
    xattrs.set(toText(key.slice(XATTR.length)), Buffer.from(value, "latin1"));
  }
  return xattrs;
}

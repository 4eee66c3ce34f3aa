// A context as one file (`context export`, `import`): meta.json and tls/ENDPOINT/FILE in a tar archive; a zip archive is
// read too. An archive is a stranger's: small, plain files under these names, and nothing is written before all of it
// has been read.
import { crc32, inflateRawSync } from "node:zlib";
import { BLOCK, END_OF_ARCHIVE, encodeEntry, paddingOf, TarReader, toText } from "../../archive/index.ts";
import { fail } from "../framework/failure.ts";
import { type Context, metaText, parseMeta, type TlsFiles } from "./store.ts";

/** No archive and nothing in one is larger: Docker's limit. */
const LIMIT = 10 << 20;

export interface ArchivedContext {
  context: Context;
  tls: TlsFiles;
}

/** A POSIX ustar archive, as Docker's client writes it but with its end. */
export function packContext({ context, tls }: ArchivedContext): Uint8Array {
  const parts: Uint8Array[] = [...entry("meta.json", 0o644, Buffer.from(metaText(context)))];
  parts.push(...entry("tls", 0o700));
  for (const [endpoint, files] of Object.entries(tls)) {
    parts.push(...entry(`tls/${endpoint}`, 0o700));
    for (const [name, bytes] of Object.entries(files))
      parts.push(...entry(`tls/${endpoint}/${name}`, 0o600, bytes));
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** A folder where there are no bytes. */
function entry(name: string, mode: number, bytes?: Uint8Array): Uint8Array[] {
  const header = encodeEntry({
    name,
    type: bytes ? "file" : "directory",
    mode,
    uid: 0,
    gid: 0,
    size: bytes?.length ?? 0,
    modified: { seconds: 0, nanoseconds: 0 },
    linkName: "",
    major: 0,
    minor: 0,
  });
  return bytes ? [header, bytes, Buffer.alloc(paddingOf(bytes.length))] : [header];
}

/** Reads an archive. Throws a failure for what is no context. */
export function unpackContext(archive: Buffer): ArchivedContext {
  if (archive.length > LIMIT) throw fail("read exceeds the defined limit");
  const files = archive.subarray(0, 4).equals(Buffer.from("PK\x03\x04"))
    ? zipFiles(archive)
    : tarFiles(archive);
  let context: Context | undefined;
  const tls: TlsFiles = {};
  for (const [name, bytes] of files) {
    const [endpoint, file] = checkedPath(name);
    if (endpoint === undefined || file === undefined) {
      try {
        context = parseMeta(bytes.toString());
      } catch (thrown) {
        throw fail(thrown instanceof Error ? thrown.message : String(thrown));
      }
    } else tls[endpoint] = { ...tls[endpoint], [file]: bytes };
  }
  if (!context) throw fail("invalid context: no metadata found");
  return { context, tls };
}

/** Endpoint and file of a path below tls/; nothing for meta.json. Throws for a path that leads anywhere else. */
function checkedPath(name: string): string[] {
  const refuse = (why: string) => fail(`${name}: ${why}`);
  if (name !== "meta.json" && !name.startsWith("tls/")) throw refuse("unexpected context file");
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    throw refuse("unexpected path format");
  if (name.includes("\\")) throw refuse("unexpected '\\' in path");
  if (name === "meta.json") return [];
  if (parts.length !== 3 || name.includes("\0")) throw fail("archive format is invalid");
  return parts.slice(1);
}

type Files = [name: string, bytes: Buffer][];

/** The plain files of a tar archive; folders, links and devices are passed over. */
function tarFiles(archive: Buffer): Files {
  const files: Files = [];
  let parts: Buffer[] | undefined;
  const reader = new TarReader({
    entry({ name, type }) {
      parts = type === "file" ? [] : undefined;
      if (parts) files.push([toText(name), Buffer.alloc(0)]);
    },
    data: (chunk) => parts?.push(Buffer.from(chunk)),
    end() {
      const last = files.at(-1);
      if (last && parts) last[1] = Buffer.concat(parts);
      parts = undefined;
    },
  });
  if (archive.length > 0 && archive.length < BLOCK) throw fail("unexpected EOF");
  try {
    reader.push(archive);
    // Docker's client doesn't end its archives: even the last file's padding is missing.
    reader.push(Buffer.alloc(paddingOf(archive.length)));
  } catch {
    throw fail("archive/tar: invalid tar header");
  }
  if (parts) throw fail("unexpected EOF");
  return files;
}

const END_OF_DIRECTORY = Buffer.from("PK\x05\x06");
const DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

/** The plain files of a zip archive, by its directory (PKWARE's APPNOTE, 4.3 and 4.4). */
function zipFiles(archive: Buffer): Files {
  const broken = () => fail("zip: not a valid zip file");
  const end = archive.lastIndexOf(END_OF_DIRECTORY);
  if (end < 0 || end + 22 > archive.length) throw broken();
  const files: Files = [];
  let left = LIMIT;
  try {
    let at = archive.readUInt32LE(end + 16);
    for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
      if (archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw broken();
      const [method, packed, size] = [10, 20, 24].map((offset, i) =>
        i === 0 ? archive.readUInt16LE(at + offset) : archive.readUInt32LE(at + offset),
      ) as [number, number, number];
      const lengths = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset)) as [
        number,
        number,
        number,
      ];
      const name = archive.toString("utf8", at + 46, at + 46 + lengths[0]);
      // The file's type as Unix has it, where a Unix made the archive: regular, or not told.
      const type = (archive.readUInt32LE(at + 38) >>> 16) & 0o170000;
      const head = archive.readUInt32LE(at + 42);
      const start = head + 30 + archive.readUInt16LE(head + 26) + archive.readUInt16LE(head + 28);
      const entryAt = at;
      at += 46 + lengths[0] + lengths[1] + lengths[2];
      if (name.endsWith("/") || (type !== 0 && type !== 0o100000)) continue;
      if (size > left) throw fail("read exceeds the defined limit");
      left -= size;
      const bytes = unpacked(archive.subarray(start, start + packed), method, size);
      if (bytes?.length !== size || crc32(bytes) !== archive.readUInt32LE(entryAt + 16)) throw broken();
      files.push([name, bytes]);
    }
  } catch (thrown) {
    throw thrown instanceof Error && thrown.name === "CommandFailure" ? thrown : broken();
  }
  return files;
}

function unpacked(bytes: Buffer, method: number, size: number): Buffer | undefined {
  if (method === STORED) return bytes;
  return method === DEFLATED ? inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) }) : undefined;
}

// A context as one file (`context export`, `import`): meta.json and tls/ENDPOINT/FILE in a tar archive; a zip archive is
// read too. An archive is a stranger's: small, plain files under these names, and nothing is written before all of it
// has been read.
import { crc32, inflateRawSync } from "node:zlib";
import { fail } from "../framework/failure.ts";
import { type Context, metaText, parseMeta, type TlsFiles } from "./store.ts";

/** No archive and nothing in one is larger: Docker's limit. */
const LIMIT = 10 << 20;
const BLOCK = 512;

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
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** A folder where there are no bytes. Names of contexts' files are short: 100 bytes hold them. */
function entry(name: string, mode: number, bytes?: Uint8Array): Uint8Array[] {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw fail(`${name}: the name is too long for an archive`);
  header.write(name, 0);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, "0")}\0`, at);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(bytes?.length ?? 0, 124, 11);
  octal(0, 136, 11);
  header.write(bytes ? "0" : "5", 156);
  header.write("ustar\x0000", 257, "latin1");
  header.write(" ".repeat(8), 148);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header.write(" ", 155);
  if (!bytes) return [header];
  return [header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
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

/** The plain files of a tar archive; folders, links and devices are passed over. One that isn't ended is taken. */
function tarFiles(archive: Buffer): Files {
  const files: Files = [];
  for (let at = 0; at < archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0) && header.length === BLOCK) break;
    if (header.length < BLOCK) throw fail("unexpected EOF");
    const size = fieldOf(header, 124, 12);
    if (checksumOf(header) !== fieldOf(header, 148, 8) || Number.isNaN(size)) {
      throw fail("archive/tar: invalid tar header");
    }
    const kind = String.fromCharCode(header[156] ?? 0);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (bytes.length < size) throw fail("unexpected EOF");
    // Names that need more than a header can hold are none of a context's.
    if (kind === "x" || kind === "L") throw fail("archive format is invalid");
    if (kind === "0" || kind === "\0") files.push([nameOf(header), bytes]);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

const textOf = (header: Buffer, from: number, length: number) => {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
};

function nameOf(header: Buffer): string {
  const prefix = textOf(header, 257, 5) === "ustar" ? textOf(header, 345, 155) : "";
  return (prefix ? `${prefix}/` : "") + textOf(header, 0, 100);
}

function fieldOf(header: Buffer, from: number, length: number): number {
  const text = textOf(header, from, length).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : Number.NaN;
}

function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
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

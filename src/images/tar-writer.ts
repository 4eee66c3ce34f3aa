// Writes tar archives (POSIX ustar, pax "ustar Interchange Format"): what `save` gives out and the built-in images are
// made of. The same entries give the same bytes.
import { systemError } from "../base/errors.ts";

export interface TarEntry {
  /** Relative; folders end with a slash. */
  path: string;
  type: "file" | "folder" | "hard-link" | "symbolic-link";
  mode: number;
  /** Bytes of a file that follow. */
  size?: number;
  uid?: number;
  gid?: number;
  /** Of a link: what it leads to. */
  target?: string;
  /** Seconds since the epoch. */
  mtime?: number;
}

const BLOCK = 512;
const TYPE = { file: "0", "hard-link": "1", "symbolic-link": "2", folder: "5" } as const;
/** The largest size that eleven octal digits hold; beyond it GNU's base-256 form is understood everywhere. */
const OCTAL_LIMIT = 8 ** 11;

/** The 512 bytes before an entry's content. Errors: system for a path that doesn't fit the format. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const { prefix, name } = splitPath(entry.path);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  header.write(name, 0, "utf8");
  octal(entry.mode, 100, 7);
  octal(entry.uid ?? 0, 108, 7);
  octal(entry.gid ?? 0, 116, 7);
  writeSize(header, entry.size ?? 0);
  octal(entry.mtime ?? 0, 136, 11);
  header.write("        ", 148, "latin1");
  header.write(TYPE[entry.type], 156, "latin1");
  if (Buffer.byteLength(entry.target ?? "") > 100)
    throw systemError(`tar: link target ${entry.target} is too long`);
  header.write(entry.target ?? "", 157, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  header.write(prefix, 345, "utf8");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (name && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  throw systemError(`tar: the path ${path} is too long`);
}

function writeSize(header: Buffer, size: number): void {
  if (size < OCTAL_LIMIT) {
    header.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
    return;
  }
  header.writeBigUInt64BE(BigInt(size), 128);
  header[124] = 0x80;
}

/** The zeros that fill an entry's content up to a whole block. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

/** The end of an archive: two blocks of zeros. */
export const TAR_END = new Uint8Array(2 * BLOCK);

/** An archive in memory, entries in the order given. */
export function tarArchive(entries: { entry: TarEntry; content?: Uint8Array }[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { entry, content } of entries) {
    const size = content?.length ?? 0;
    parts.push(tarHeader({ ...entry, size }));
    if (content) parts.push(content, tarPadding(size));
  }
  return Buffer.concat([...parts, TAR_END]);
}

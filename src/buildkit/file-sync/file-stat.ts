// What BuildKit's file sync says of one file (fsutil's Stat), and Go's bits of its mode.

/**
 * Paths, link names and attributes' names are byte strings: a character for each byte, since names on disk needn't be
 * UTF-8. So they also compare as bytes do.
 */
export interface FileStat {
  /** Relative to the tree, without a slash at its ends. */
  path: string;
  /** Go's io/fs.FileMode: `MODE` below, and nine bits of permissions. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes; 0 for a folder. A hard link has its file's. */
  size: number;
  /** Nanoseconds since 1970. */
  modTime: bigint;
  /** A symbolic link's target; the path of the first name of a hard link. */
  linkname: string;
  devmajor: number;
  devminor: number;
  xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** A file as it came, with its content. */
export interface FileEntry extends FileStat {
  /** sha256 of the content in hexadecimal digits, a hard link's being that of its file; "" for what has no content. */
  digest: string;
}

/** Bits of Go's io/fs.FileMode; unsigned. */
export const MODE = {
  directory: 0x80000000,
  symlink: 0x08000000,
  device: 0x04000000,
  fifo: 0x02000000,
  socket: 0x01000000,
  setuid: 0x00800000,
  setgid: 0x00400000,
  character: 0x00200000,
  sticky: 0x00100000,
  irregular: 0x00080000,
  permissions: 0o777,
} as const;

/** All bits that say what kind of file it is (fs.ModeType). */
export const MODE_TYPE =
  (MODE.directory |
    MODE.symlink |
    MODE.fifo |
    MODE.socket |
    MODE.device |
    MODE.character |
    MODE.irregular) >>>
  0;

/** Bits of stat(2)'s st_mode. */
const S = { type: 0o170000, setuid: 0o4000, setgid: 0o2000, sticky: 0o1000 } as const;
const TYPES = new Map<number, number>([
  [0o140000, MODE.socket],
  [0o120000, MODE.symlink],
  [0o100000, 0],
  [0o060000, MODE.device],
  [0o040000, MODE.directory],
  [0o020000, MODE.device | MODE.character],
  [0o010000, MODE.fifo],
]);

export type FileKind = "file" | "directory" | "symlink" | "block" | "character" | "fifo";

const KINDS = new Map<number, FileKind>([
  [0, "file"],
  [MODE.directory, "directory"],
  [MODE.symlink, "symlink"],
  [MODE.device, "block"],
  [MODE.device | MODE.character, "character"],
  [MODE.fifo, "fifo"],
]);

/** What kind of file a mode says; undefined for kinds that don't travel (sockets) and contradictions. */
export const kindOf = (mode: number): FileKind | undefined => KINDS.get((mode & MODE_TYPE) >>> 0);

export const isDirectory = (mode: number): boolean => (mode & MODE.directory) !== 0;

/** Go's mode of a st_mode. */
export function modeFromUnix(mode: number): number {
  let bits = (TYPES.get(mode & S.type) ?? MODE.irregular) | (mode & MODE.permissions);
  if (mode & S.setuid) bits |= MODE.setuid;
  if (mode & S.setgid) bits |= MODE.setgid;
  if (mode & S.sticky) bits |= MODE.sticky;
  return bits >>> 0;
}

/** The twelve bits that chmod(2) takes. */
export function permissionsOf(mode: number): number {
  let bits = mode & MODE.permissions;
  if (mode & MODE.setuid) bits |= S.setuid;
  if (mode & MODE.setgid) bits |= S.setgid;
  if (mode & MODE.sticky) bits |= S.sticky;
  return bits;
}

/** A byte string as text for people: what is no UTF-8 shows as U+FFFD. */
export const toText = (bytes: string): string =>
  /^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString();

/** Text as a byte string. */
export const toByteString = (text: string): string =>
  /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text).toString("latin1");

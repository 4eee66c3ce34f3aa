// The vocabulary of tar archives (POSIX pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format").
//
// Names are byte strings: one character a byte. Archives hold names as bytes, not always UTF-8, and what comes in must
// go out unchanged. `fromBytes` and `toBytes` are the way in and out.
import type { Moment } from "../linux/files.ts";

export type EntryType = "file" | "link" | "symlink" | "character" | "block" | "directory" | "fifo";

export interface TarEntry {
  /** As in the archive: perhaps with `./`, a leading or trailing slash, or `..`. */
  name: string;
  type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of data that follow; 0 for all but files. */
  size: number;
  modified: Moment;
  accessed?: Moment;
  /** Target of a link or symbolic link. */
  linkName: string;
  major: number;
  minor: number;
  /** By full name (`security.capability`). */
  xattrs?: Map<string, Uint8Array>;
}

export const BLOCK = 512;

/** A text as byte string. */
export const fromText = (text: string): string => Buffer.from(text).toString("latin1");
/** A byte string as text, for messages. */
export const toText = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

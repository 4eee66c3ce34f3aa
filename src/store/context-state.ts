// What is known of a received folder between two transfers: files in a folder beside it.
//
// `index` is the list of the last transfer that came to its end. `journal` is there while one is under way: its presence says
// that the folder isn't what the index says, and it lists what was made since. Both hold for the boot they were written in: no
// transfer waits for the disk, so after a power cut files may be empty whose names are there.
import { existsSync, readFileSync } from "node:fs";
import { messageOf, systemError } from "../base/errors.ts";
import { decodeFileList, encodeFileList, type FileEntry } from "../buildkit/file-sync/index.ts";

export const INDEX = "index";
export const JOURNAL = "journal";
/** What becomes the index. */
export const NEW_INDEX = "index.new";

export interface ContextHead {
  boot: string;
  /** Of the whole list (contentDigest); in an index. */
  digest: string;
}

/** A line of JSON, then the list. */
export function encodeContextState(head: ContextHead, entries: readonly FileEntry[]): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), encodeFileList(entries)]);
}

/** Undefined for what is no such file. */
export function decodeContextState(bytes: Buffer): (ContextHead & { entries: FileEntry[] }) | undefined {
  const end = bytes.indexOf(10);
  if (end < 0) return undefined;
  let head: unknown;
  try {
    head = JSON.parse(bytes.toString("utf8", 0, end));
  } catch {
    return undefined;
  }
  const { boot, digest } = (head ?? {}) as { boot?: unknown; digest?: unknown };
  if (typeof boot !== "string" || typeof digest !== "string") return undefined;
  return { boot, digest, entries: decodeFileList(bytes, end + 1) };
}

/** Bytes of the files that the last transfer into the folder left; 0 when none came to its end. */
export function contextSize(state: string): number {
  const path = `${state}/${INDEX}`;
  const index = existsSync(path) ? decodeContextState(readFileSync(path)) : undefined;
  return (index?.entries ?? []).reduce((sum, { size }) => sum + size, 0);
}

let boot: string | undefined;

export function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** The list that the last transfer left in `state`, sorted by path. Errors: system, when there is none. */
export function readContextIndex(state: string): ContextHead & { entries: FileEntry[] } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(`${state}/${INDEX}`);
  } catch (thrown) {
    throw systemError(`a received folder has no index: ${messageOf(thrown)}`, thrown);
  }
  const index = decodeContextState(bytes);
  if (!index) throw systemError(`the index of a received folder is damaged: ${state}/${INDEX}`);
  return index;
}

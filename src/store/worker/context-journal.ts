// The state of a received folder (context-state.ts) as its worker reads and writes it: through a descriptor that was opened
// before the folder became the root directory.
import { readFileSync, writeSync } from "node:fs";
import type { FileEntry } from "../../buildkit/file-sync/index.ts";
import { encodeFileList } from "../../buildkit/file-sync/index.ts";
import { close, O } from "../../linux/ffi.ts";
import { attempt } from "../../linux/files.ts";
import { childError, openChild, renameWithin } from "../../linux/folder.ts";
import {
  type ContextHead,
  decodeContextState,
  encodeContextState,
  INDEX,
  JOURNAL,
  NEW_INDEX,
} from "../context-state.ts";

const ENOENT = 2;
const PRIVATE = 0o600;
/** Entries that may be lost when the worker is killed: their files are sent again. */
const BATCH = 128;

export interface LastState {
  /** The list of the last whole transfer, undefined when there was none in this boot. */
  index: (ContextHead & { entries: FileEntry[] }) | undefined;
  /** What a broken transfer made; undefined when the last one came to its end. */
  broken: FileEntry[] | undefined;
}

export class ContextJournal {
  private fd = -1;
  private batch: FileEntry[] = [];

  /** @param folder an open descriptor of the state's folder */
  constructor(
    private readonly folder: number,
    private readonly boot: string,
  ) {}

  read(): LastState {
    const index = this.load(INDEX);
    const journal = this.load(JOURNAL);
    return {
      index: index === "none" || index?.boot !== this.boot ? undefined : index,
      broken: journal === "none" ? undefined : journal?.boot === this.boot ? journal.entries : [],
    };
  }

  private load(name: string): ReturnType<typeof decodeContextState> | "none" {
    const fd = openChild(this.folder, name, O.RDONLY);
    if (fd === -ENOENT) return "none";
    if (fd < 0) throw childError("openat", -fd, name);
    try {
      return decodeContextState(readFileSync(fd));
    } finally {
      close(fd);
    }
  }

  /** Says that the folder is about to change. */
  begin(): void {
    if (this.fd >= 0) return;
    this.fd = this.create(JOURNAL);
    writeAll(this.fd, encodeContextState({ boot: this.boot, digest: "" }, []));
  }

  add(entry: FileEntry): void {
    this.batch.push(entry);
    if (this.batch.length >= BATCH) this.flush();
  }

  /** Also for a transfer that failed: the next one has less to do. */
  flush(): void {
    if (this.fd >= 0 && this.batch.length > 0) writeAll(this.fd, encodeFileList(this.batch));
    this.batch = [];
  }

  /** Makes a list the index. */
  writeIndex(digest: string, entries: readonly FileEntry[]): void {
    const fd = this.create(NEW_INDEX);
    try {
      writeAll(fd, encodeContextState({ boot: this.boot, digest }, entries));
    } finally {
      close(fd);
    }
    renameWithin(this.folder, NEW_INDEX, INDEX);
  }

  /** The folder is what the index says. */
  end(): void {
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
    const code = attempt.unlink(Buffer.from(`${JOURNAL}\0`), this.folder);
    if (code !== 0 && code !== ENOENT) throw childError("unlinkat", code, JOURNAL);
  }

  private create(name: string): number {
    const fd = openChild(this.folder, name, O.WRONLY | O.CREAT | O.TRUNC, { mode: PRIVATE });
    if (fd < 0) throw childError("openat", -fd, name);
    return fd;
  }
}

export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

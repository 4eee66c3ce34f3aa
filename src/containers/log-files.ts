// Reads a container's log files as json-file writes and rotates them: NAME is written; at its size limit NAME.1 becomes
// NAME.2 (or NAME.2.gz), NAME becomes NAME.1, and a new NAME is begun. With one file only, NAME is cut to nothing.
//
// A reader holds files by descriptor, so a rotation under it neither loses nor repeats a line: at the end of a file it asks
// whether NAME is another file by now. If so, nobody writes to the held one any more: what is left of it is read, then
// the file that follows it.
import { watch } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { OutputChunk } from "./types.ts";

/** One line of the file. */
export interface LogEntry {
  /** What the program wrote, with its line end; a long line comes in pieces. */
  log: string;
  stream: OutputChunk["stream"];
  /** RFC 3339 with nanoseconds. */
  time: string;
  attrs?: Record<string, string>;
}

const CHUNK = 64 * 1024;
const NEWLINE = 10;
/** A watch can miss a change where the file system has no inotify; the file is looked at this often anyway. */
const LOOK_AGAIN = 500;

/** Batches of lines, oldest first; with `follow`, on until it resolves and what was written by then is read. */
export async function* readLog(
  path: string,
  options: { tail: number; follow?: Promise<unknown>; signal: AbortSignal },
): AsyncGenerator<LogEntry[]> {
  const files = await openFiles(path);
  try {
    const current = await (options.tail < 0 ? fromStart(files) : fromTail(files, options.tail));
    for (const [index, { source, position }] of current.entries()) {
      const last = index === current.length - 1;
      const reader = new LineReader(source, position);
      for (let batch = await reader.next(); batch; batch = await reader.next()) {
        if (options.signal.aborted) return;
        if (batch.length > 0) yield batch;
      }
      if (last && options.follow) yield* followFrom(path, reader, options.follow, options.signal);
    }
    if (current.length === 0 && options.follow)
      yield* followFrom(path, undefined, options.follow, options.signal);
  } finally {
    for (const file of files) await file.close();
  }
}

/** Bytes by position: a file that is held open, or a rotated one that was unpacked. */
interface Source {
  inode: number;
  size(): Promise<number>;
  read(buffer: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

function sourceOf(handle: FileHandle, inode: number): Source {
  return {
    inode,
    size: async () => (await handle.stat()).size,
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
    close: () => handle.close(),
  };
}

function sourceOfBytes(bytes: Uint8Array): Source {
  return {
    inode: -1,
    size: async () => bytes.length,
    read: async (buffer, position) => {
      const part = bytes.subarray(position, position + buffer.length);
      buffer.set(part);
      return part.length;
    },
    close: async () => {},
  };
}

async function openSource(path: string): Promise<Source | undefined> {
  try {
    const handle = await open(path, "r");
    return sourceOf(handle, (await handle.stat()).ino);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** All files, oldest first. One that a rotation moved while they were opened is held once. */
async function openFiles(path: string): Promise<Source[]> {
  const files: Source[] = [];
  const newest = await openSource(path);
  if (newest) files.unshift(newest);
  for (let number = 1; ; number++) {
    const file = (await openSource(`${path}.${number}`)) ?? (await unpack(`${path}.${number}.gz`));
    if (!file) return files;
    if (file.inode !== -1 && files.some(({ inode }) => inode === file.inode)) await file.close();
    else files.unshift(file);
  }
}

async function unpack(path: string): Promise<Source | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && sourceOfBytes(await promisify(gunzip)(bytes));
}

interface Place {
  source: Source;
  position: number;
}

const fromStart = async (files: Source[]): Promise<Place[]> =>
  files.map((source) => ({ source, position: 0 }));

/** Where the last `lines` lines begin: read backwards, counting line ends. */
async function fromTail(files: Source[], lines: number): Promise<Place[]> {
  const places: Place[] = [];
  let wanted = lines;
  for (const source of files.toReversed()) {
    const size = await source.size();
    if (wanted <= 0) {
      // The newest file is kept even when nothing of it is shown: a follower goes on from its end.
      if (places.length === 0) places.unshift({ source, position: size });
      break;
    }
    const found = await tailPosition(source, size, wanted);
    places.unshift({ source, position: found.position });
    wanted -= found.lines;
  }
  return places;
}

async function tailPosition(
  source: Source,
  size: number,
  wanted: number,
): Promise<{ position: number; lines: number }> {
  const buffer = new Uint8Array(CHUNK);
  let lines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const length = await source.read(buffer.subarray(0, end - start), start);
    for (let at = length - 1; at >= 0; at--) {
      if (buffer[at] !== NEWLINE || start + at === size - 1) continue;
      lines++;
      if (lines === wanted) return { position: start + at + 1, lines };
    }
    end = start;
  }
  return { position: 0, lines: size > 0 ? lines + 1 : 0 };
}

/** Cuts what it reads into lines; what is after the last line end waits for the rest. */
class LineReader {
  private rest: Uint8Array = new Uint8Array(0);
  private readonly buffer = new Uint8Array(CHUNK);
  constructor(
    readonly source: Source,
    private position: number,
  ) {}

  /** The next lines; undefined at the end as it is now. */
  async next(): Promise<LogEntry[] | undefined> {
    const length = await this.source.read(this.buffer, this.position);
    if (length === 0) {
      if ((await this.source.size()) >= this.position) return undefined;
      // Cut to nothing by a rotation of a single file.
      this.position = 0;
      this.rest = new Uint8Array(0);
      return [];
    }
    this.position += length;
    const bytes = Buffer.concat([this.rest, this.buffer.subarray(0, length)]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const entry = parseLine(bytes.toString("utf8", start, end));
      if (entry) entries.push(entry);
      start = end + 1;
    }
    this.rest = bytes.subarray(start);
    return entries;
  }
}

/** Undefined for a line that a power cut left incomplete. */
function parseLine(line: string): LogEntry | undefined {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return undefined;
  }
}

async function* followFrom(
  path: string,
  from: LineReader | undefined,
  until: Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const changes = new Changes(path, signal);
  let ended = false;
  until.then(
    () => {
      ended = true;
      changes.wake();
    },
    () => changes.wake(),
  );
  let reader = from;
  const opened: Source[] = [];
  try {
    while (!signal.aborted) {
      const last = ended;
      if (!reader) {
        const source = await openSource(path);
        if (source) {
          opened.push(source);
          reader = new LineReader(source, 0);
        }
      }
      if (reader) yield* drain(reader);
      const next = reader && (await successor(path, reader.source.inode));
      if (next) {
        opened.push(next);
        yield* drain(reader as LineReader); // what was written before the rotation
        reader = new LineReader(next, 0);
        continue;
      }
      if (last) return;
      await changes.next();
    }
  } finally {
    changes.close();
    for (const source of opened) await source.close();
  }
}

async function* drain(reader: LineReader): AsyncGenerator<LogEntry[]> {
  for (let batch = await reader.next(); batch; batch = await reader.next()) if (batch.length > 0) yield batch;
}

/** The file that was begun after the one with this inode; undefined while that is the newest. */
async function successor(path: string, inode: number): Promise<Source | undefined> {
  const inodeOf = (name: string) =>
    stat(name).then(
      ({ ino }) => ino,
      () => undefined,
    );
  for (;;) {
    const newest = await inodeOf(path);
    if (newest === undefined || newest === inode) return undefined;
    let younger = path;
    let older = `${path}.1`;
    let found = await inodeOf(older);
    for (let number = 2; found !== undefined && found !== inode; number++) {
      younger = older;
      older = `${path}.${number}`;
      found = await inodeOf(older);
    }
    const source = await openSource(younger);
    // Another rotation may have moved the names between looking and opening: then look again.
    if (found === undefined || (await inodeOf(older)) === inode) return source;
    await source?.close();
  }
}

/** Wakes at each change of the log's folder. A change while nobody waits is remembered. */
class Changes {
  private pending = false;
  private resolve: (() => void) | undefined;
  private readonly watcher;
  private readonly timer;

  constructor(path: string, signal: AbortSignal) {
    const name = basename(path);
    this.watcher = watchFolder(dirname(path), (file) => {
      if (file === null || file.startsWith(name)) this.wake();
    });
    this.timer = setInterval(() => this.wake(), LOOK_AGAIN);
    signal.addEventListener("abort", () => this.wake(), { once: true });
  }

  wake(): void {
    this.pending = true;
    this.resolve?.();
  }

  async next(): Promise<void> {
    if (!this.pending)
      await new Promise<void>((resolve) => {
        this.resolve = resolve;
      });
    this.pending = false;
    this.resolve = undefined;
  }

  close(): void {
    clearInterval(this.timer);
    this.watcher?.close();
  }
}

function watchFolder(folder: string, changed: (file: string | null) => void) {
  try {
    const watcher = watch(folder, (_event, file) => changed(file));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined; // no such folder yet, or no watches left: looking again has to do
  }
}

// The files of a container's log, as the shim rotates them (runtime/shim/log/rotating-file.ts): NAME is written; at its limit
// NAME.1 becomes NAME.2, NAME becomes NAME.1 and is compressed to NAME.1.gz, and a new NAME begins. NAME.rotation counts
// that, and is locked while names change.
//
// So each file has a number that stays its own whatever its name is: the count for NAME, less i for NAME.i. A reader holds
// files by descriptor, and at the end of one goes on with the number after it: nothing is lost and nothing read twice.
import {
  closeSync,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  read as readWithCallback,
  watch,
} from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";
import { systemError } from "../../base/errors.ts";
import { tryLockShared } from "../../linux/files.ts";
import type { LogDecoder, LogEntry, LogFormat } from "./entry.ts";

const CHUNK = 256 * 1024;
/** A watch can miss a change where the file system has no inotify; the file is looked at this often anyway. */
const LOOK_AGAIN = 500;
/** Milliseconds that a rotation may take; a shim that is stopped in one never ends it. */
const ROTATION_LIMIT = 10_000;

const readAt = promisify(readWithCallback) as unknown as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;

/** Takes entries, and gives what it made of them: once for each piece of a file that was read. */
export interface EntrySink<T> {
  /** False: no more entries are wanted. */
  entry(entry: LogEntry): boolean;
  taken(): T[];
}

export interface ReadOptions {
  /** That many entries from the end; below 0: all. */
  tail: number;
  /** Read on until this settles, and what was written by then. */
  follow?: Promise<unknown>;
  signal: AbortSignal;
}

interface LogFile {
  number: number;
  fd: number;
  compressed: boolean;
  /** Bytes at the time it was opened. */
  size: number;
}

/** Where to begin in a file: a position, or for a compressed one how many entries are passed over. */
interface Place {
  file: LogFile;
  position: number;
  skip: number;
}

export async function* readLog<T>(
  path: string,
  format: LogFormat,
  options: ReadOptions,
  sink: EntrySink<T>,
): AsyncGenerator<T> {
  const files = await openFiles(path);
  const reader = new Reader(format, sink, options.signal);
  try {
    const places = options.tail < 0 ? files.map(fromStart) : await fromTail(files, format, options.tail);
    const newest = files.at(-1);
    for (const place of places)
      if (!(options.follow && place.file === newest && !place.file.compressed))
        yield* reader.read(place, place.file.size);
    if (!options.follow || reader.over) return;
    yield* follow(
      path,
      reader,
      places.find(({ file }) => file === newest),
      options,
    );
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

const fromStart = (file: LogFile): Place => ({ file, position: 0, skip: 0 });

/** All files, oldest first. */
function openFiles(path: string): Promise<LogFile[]> {
  return whileNamesStay(path, (count) => {
    const files: LogFile[] = [];
    for (let i = 0; ; i++) {
      const file = openFile(path, count, i);
      if (!file) return files;
      files.unshift(file);
    }
  });
}

/**
 * Runs `work` while no file is renamed: synchronous, since the shim waits for it. The shim is waited for without holding
 * up anything else. Errors: system, for one that doesn't come to an end.
 */
async function whileNamesStay<R>(path: string, work: (count: number) => R): Promise<R> {
  const fd = tryOpen(`${path}.rotation`);
  if (fd === undefined) return work(0);
  try {
    const limit = performance.now() + ROTATION_LIMIT;
    while (!tryLockShared(fd)) {
      if (performance.now() > limit) throw systemError(`${path}: its files are being renamed for too long`);
      await sleep(1);
    }
    return work(countIn(fd));
  } finally {
    closeSync(fd); // which unlocks it
  }
}

function countIn(fd: number): number {
  const bytes = Buffer.alloc(32);
  return Number(bytes.toString("latin1", 0, readSync(fd, bytes, 0, bytes.length, 0))) || 0;
}

/** The plain file first: a compressed one is whole when that is gone. */
function openFile(path: string, count: number, i: number): LogFile | undefined {
  const name = i === 0 ? path : `${path}.${i}`;
  const plain = tryOpen(name);
  const fd = plain ?? (i === 0 ? undefined : tryOpen(`${name}.gz`));
  if (fd === undefined) return undefined;
  return { number: count - i, fd, compressed: plain === undefined, size: fstatSync(fd).size };
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function fromTail(files: LogFile[], format: LogFormat, entries: number): Promise<Place[]> {
  const places: Place[] = [];
  let wanted = entries;
  for (const file of files.toReversed()) {
    if (wanted <= 0) {
      // The newest file is kept even when nothing of it is shown: a follower goes on from its end.
      if (places.length === 0) places.unshift({ file, position: file.size, skip: 0 });
      break;
    }
    if (file.compressed) {
      const all = await countCompressed(file, format);
      places.unshift({ file, position: 0, skip: Math.max(0, all - wanted) });
      wanted -= all;
      continue;
    }
    const read = async (buffer: Buffer, position: number) =>
      (await readAt(file.fd, buffer, 0, buffer.length, position)).bytesRead;
    const found = await format.tail(read, file.size, wanted);
    places.unshift({ file, position: found.position, skip: 0 });
    wanted -= found.entries;
  }
  return places;
}

/** A compressed file can't be read backwards: it is read twice, and never whole in memory. */
async function countCompressed(file: LogFile, format: LogFormat): Promise<number> {
  let entries = 0;
  const count: EntrySink<never> = {
    entry() {
      entries++;
      return true;
    },
    taken: () => [],
  };
  const reader = new Reader(format, count, new AbortController().signal);
  for await (const _ of reader.read({ file, position: 0, skip: 0 }, file.size));
  return entries;
}

class Reader<T> {
  /** Nothing more is wanted. */
  over = false;
  private decoder: LogDecoder;
  private buffer: Buffer = Buffer.allocUnsafe(CHUNK);
  /** What of an entry is not whole yet stands at the buffer's beginning. */
  private kept = 0;
  private skip = 0;

  constructor(
    private readonly format: LogFormat,
    private readonly sink: EntrySink<T>,
    private readonly signal: AbortSignal,
  ) {
    this.decoder = format.decoder();
  }

  /** A file from a place on, up to `end`. */
  async *read({ file, position, skip }: Place, end: number): AsyncGenerator<T> {
    this.begin(skip);
    if (file.compressed) yield* this.readCompressed(file);
    else yield* this.readPlain(file, position, end);
  }

  begin(skip: number): void {
    this.decoder = this.format.decoder();
    this.kept = 0;
    this.skip = skip;
  }

  /** Gives the position after what was read. */
  async *readPlain(file: LogFile, position: number, end: number): AsyncGenerator<T, number> {
    let at = position;
    while (at < end && !this.done) {
      const room = Math.min(this.buffer.length - this.kept, end - at);
      const { bytesRead } = await readAt(file.fd, this.buffer, this.kept, room, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield* this.decode(bytesRead);
    }
    return at;
  }

  private async *readCompressed(file: LogFile): AsyncGenerator<T> {
    const unpacked = createReadStream("", { fd: file.fd, autoClose: false, start: 0 }).pipe(
      createGunzip({ chunkSize: CHUNK }),
    );
    try {
      for await (const chunk of unpacked as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length && !this.done; ) {
          const length = Math.min(this.buffer.length - this.kept, chunk.length - at);
          chunk.copy(this.buffer, this.kept, at, at + length);
          at += length;
          yield* this.decode(length);
        }
        if (this.done) return;
      }
    } catch {
      // Cut off by a crash: what could be unpacked was read.
    }
  }

  private get done(): boolean {
    return this.over || this.decoder.lost || this.signal.aborted;
  }

  /** The buffer has `length` bytes more. */
  private *decode(length: number): Generator<T> {
    const { decoder, sink } = this;
    const end = this.kept + length;
    decoder.feed(this.buffer, 0, end);
    while (decoder.next()) {
      if (this.skip > 0) this.skip--;
      else if (!sink.entry(decoder.entry)) {
        this.over = true;
        break;
      }
    }
    // Before the buffer is used again: what was made of its bytes may still lie in it.
    const taken = sink.taken();
    this.kept = end - decoder.position;
    if (decoder.position > 0) this.buffer.copyWithin(0, decoder.position, end);
    else if (this.kept === this.buffer.length)
      this.buffer = Buffer.concat([this.buffer, Buffer.allocUnsafe(this.buffer.length)]);
    yield* taken;
  }
}

async function* follow<T>(
  path: string,
  reader: Reader<T>,
  from: Place | undefined,
  { follow: until, signal }: ReadOptions,
): AsyncGenerator<T> {
  const changes = new Changes(path, signal);
  let ended = false;
  const end = () => {
    ended = true;
    changes.wake();
  };
  until?.then(end, end);
  let file = from?.file;
  let position = from?.position ?? 0;
  let opened: LogFile | undefined;
  reader.begin(from?.skip ?? 0);
  try {
    while (!signal.aborted && !reader.over) {
      // Looked at before the file is read: what is written before it is rotated, and before the end, is read then.
      const last = ended;
      const newer = await (file ? nextFile(path, file.number) : firstFile(path));
      if (file) position = yield* readOn(reader, file, position);
      if (newer) {
        if (opened) closeSync(opened.fd);
        file = opened = newer;
        position = 0;
        reader.begin(0);
        if (newer.compressed) {
          yield* reader.read({ file: newer, position: 0, skip: 0 }, newer.size);
          position = Number.POSITIVE_INFINITY;
        }
        continue;
      }
      if (last) return;
      await changes.next();
    }
  } finally {
    changes.close();
    if (opened) closeSync(opened.fd);
  }
}

/** To the end as it is now. A file that was cut to nothing is read from its beginning. */
async function* readOn<T>(reader: Reader<T>, file: LogFile, position: number): AsyncGenerator<T, number> {
  if (file.compressed) return position;
  const { size } = fstatSync(file.fd);
  if (size >= position) return yield* reader.readPlain(file, position, size);
  reader.begin(0);
  return yield* reader.readPlain(file, 0, size);
}

/** The file after the one of that number, or the oldest that is left; undefined while that is the newest. */
async function nextFile(path: string, number: number): Promise<LogFile | undefined> {
  // Asked for with each look at the file: without the lock, as long as nothing was rotated.
  const counter = tryOpen(`${path}.rotation`);
  if (counter === undefined) return undefined;
  const count = countIn(counter);
  closeSync(counter);
  if (count === number) return undefined;
  return whileNamesStay(path, (count) => {
    for (let i = count - number - 1; i >= 0; i--) {
      const file = openFile(path, count, i);
      if (file) return file;
    }
    return undefined;
  });
}

const firstFile = (path: string): Promise<LogFile | undefined> =>
  whileNamesStay(path, (count) => openFile(path, count, 0));

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

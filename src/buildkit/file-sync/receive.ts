// The receiving side of fsutil's protocol: what came is compared with what is known from an earlier transfer, content is
// asked for where it differs, and a sink is told what to make. Synchronous: who drives it reads and writes the stream.
import { createHash, type Hash } from "node:crypto";
import { invalid } from "../../base/errors.ts";
import { type FileEntry, type FileStat, isDirectory, kindOf } from "./file-stat.ts";
import { comparePaths, isUnchanged, OrderCheck } from "./order-check.ts";
import { PacketEncoder } from "./packet-encoder.ts";
import type { Packet } from "./packets.ts";

/** Where files come to. Names are checked and in order: a folder is made before what is in it. */
export interface Sink {
  /** Comes once, before anything is changed. */
  begin?(): void;
  /** The folder may be there already, with another mode, owner or attributes. */
  directory(stat: FileStat): void;
  symlink(stat: FileStat): void;
  /** A device or fifo. */
  node(stat: FileStat): void;
  /** After all files: `stat.linkname` is there. */
  hardLink(stat: FileStat): void;
  /** Whether a file's content is asked for; without this all is. */
  wants?(stat: FileStat): boolean;
  /** A new file, in place of one of that name if `replaces`. Several may be open at once. */
  open(stat: FileStat, replaces: boolean): FileWriter;
  /** Something that was there: a folder with all that is in it. */
  remove(stat: FileStat): void;
  /** Something is whole now: a file with its content's digest, or what has none. */
  made?(entry: FileEntry): void;
  /**
   * All has come.
   * @param touched the folders whose time isn't what it should be: those in which names changed, and changed ones
   */
  finish?(touched: readonly FileStat[]): void;
}

export interface FileWriter {
  /** The bytes are valid for this call. */
  write(bytes: Uint8Array): void;
  /** The file is whole. */
  close(): void;
  /** The transfer failed. */
  abandon(): void;
}

export interface Received {
  /** In the order of their paths: for the next transfer. */
  entries: FileEntry[];
  /** Bytes of content that came. */
  bytes: number;
  /** Files, folders and others that are new or not what they were. */
  changed: number;
  /** Names that are gone; a folder counts once. */
  removed: number;
}

/**
 * Requests under way: enough that the sender never waits for one, few enough (12 bytes each) that pipes and HTTP/2's smallest
 * window hold them when a sender takes none while it sends.
 */
const REQUESTS = 2048;

interface Pending {
  entry: FileEntry;
  replaces: boolean;
  open: { writer: FileWriter; hash: Hash } | undefined;
}

export class Receiver {
  private readonly order = new OrderCheck();
  private readonly entries: FileEntry[] = [];
  private nextKnown = 0;
  private count = 0;
  private began = false;
  private ended = false;
  /** Files that are to be asked for, in their order. */
  private readonly wanted: number[] = [];
  private nextWanted = 0;
  private outstanding = 0;
  private readonly pending = new Map<number, Pending>();
  /** New hard links, and old ones whose file may be made anew. */
  private readonly links: { entry: FileEntry; known: FileEntry | undefined }[] = [];
  private readonly remade = new Set<string>();
  private readonly touched = new Map<string, FileStat>();
  private readonly folders = new Map<string, FileStat>();
  private bytes = 0;
  private changed = 0;
  private removed = 0;
  private finished = false;
  /** Whether the sink was told to change anything, a folder's time included. */
  get hasChanged(): boolean {
    return this.began;
  }

  /** The sender has confirmed the end. */
  done = false;

  /**
   * @param known what an earlier transfer left in the sink, in the order of paths
   * @param output takes what is to be sent; whoever drives this writes it
   */
  constructor(
    private readonly known: readonly FileEntry[],
    private readonly sink: Sink,
    private readonly output: PacketEncoder = new PacketEncoder(),
  ) {}

  /** What is to be sent now. */
  get encoder(): PacketEncoder {
    return this.output;
  }

  /** Errors: invalid, in fsutil's words where it has some; the sink's. The sender is to be told of one: `refuse`. */
  take(packet: Packet): void {
    if (packet.type === "data") this.data(packet.id, packet.data);
    else if (packet.type === "stat") this.stat(packet.stat);
    else if (packet.type === "error") throw invalid(`error from sender: ${packet.message}`);
    else if (packet.type === "finish") {
      if (!this.finished) throw invalid("the sender ended the transfer before all files were received");
      this.done = true;
    }
  }

  /** Ends a transfer that failed: what is open is given up, and the sender hears why. */
  refuse(message: string): void {
    for (const { open } of this.pending.values()) open?.writer.abandon();
    this.pending.clear();
    this.output.error(message);
  }

  /** When `done`. */
  result(): Received {
    const { entries, bytes, changed, removed } = this;
    return { entries, bytes, changed, removed };
  }

  private stat(stat: FileStat | undefined): void {
    if (this.ended) throw invalid("received a file after the list of files had ended");
    if (!stat) {
      this.ended = true;
      while (this.nextKnown < this.known.length) this.gone(this.known[this.nextKnown]!);
      this.settle();
      return;
    }
    this.order.check(stat);
    const id = this.count++;
    const entry = stat as FileEntry; // Ours from here on
    entry.digest = "";
    this.entries.push(entry);
    const known = this.catchUp(entry);
    if (isDirectory(stat.mode)) this.folders.set(stat.path, stat);
    if (kindOf(stat.mode) !== "symlink" && stat.linkname !== "") {
      this.links.push({ entry, known });
      return;
    }
    if (known && isUnchanged(known, stat)) {
      entry.digest = known.digest;
      if (isDirectory(stat.mode) && known.modTime !== stat.modTime) {
        this.begin();
        this.touched.set(stat.path, stat);
      }
      return;
    }
    this.change(id, entry, known);
  }

  /** What is known of a path that came; what is known before it is gone. */
  private catchUp(entry: FileEntry): FileEntry | undefined {
    for (let known = this.known[this.nextKnown]; known; known = this.known[this.nextKnown]) {
      const order = comparePaths(known.path, entry.path);
      if (order > 0) return undefined;
      if (order < 0) {
        this.gone(known);
        continue;
      }
      this.nextKnown++;
      if (isDirectory(known.mode) === isDirectory(entry.mode)) return known;
      this.nextKnown--;
      this.gone(known);
      return undefined;
    }
    return undefined;
  }

  /** Removes a known name with all that is known below it. */
  private gone(known: FileEntry): void {
    this.begin();
    this.touch(known.path);
    this.sink.remove(known);
    this.removed++;
    this.nextKnown++;
    if (!isDirectory(known.mode)) return;
    const below = `${known.path}/`;
    while (this.known[this.nextKnown]?.path.startsWith(below)) this.nextKnown++;
  }

  private change(id: number, entry: FileEntry, known: FileEntry | undefined): void {
    this.begin();
    this.touch(entry.path);
    this.changed++;
    const kind = kindOf(entry.mode);
    if (kind === "file") {
      if (this.sink.wants?.(entry) === false) return;
      this.remade.add(entry.path);
      this.pending.set(id, { entry, replaces: known !== undefined, open: undefined });
      this.wanted.push(id);
      this.request();
      return;
    }
    if (kind === "directory") {
      this.sink.directory(entry);
      this.touched.set(entry.path, entry);
    } else {
      if (known) this.sink.remove(known);
      this.remade.add(entry.path);
      if (kind === "symlink") this.sink.symlink(entry);
      else this.sink.node(entry);
    }
    this.sink.made?.(entry);
  }

  private begin(): void {
    if (!this.began) this.sink.begin?.();
    this.began = true;
  }

  /** Names in a path's folder change, and with them its time. */
  private touch(path: string): void {
    const slash = path.lastIndexOf("/");
    const folder = slash < 0 ? undefined : this.folders.get(path.slice(0, slash));
    if (folder) this.touched.set(folder.path, folder);
  }

  private request(): void {
    while (this.outstanding < REQUESTS && this.nextWanted < this.wanted.length) {
      this.output.request(this.wanted[this.nextWanted++]!);
      this.outstanding++;
    }
    if (this.nextWanted === this.wanted.length) this.wanted.length = this.nextWanted = 0;
  }

  private data(id: number, data: Uint8Array): void {
    const pending = this.pending.get(id);
    if (!pending) throw invalid(`invalid file request ${id}`);
    pending.open ??= {
      writer: this.sink.open(pending.entry, pending.replaces),
      hash: createHash("sha256"),
    };
    const { writer, hash } = pending.open;
    if (data.length > 0) {
      this.bytes += data.length;
      hash.update(data);
      writer.write(data);
      return;
    }
    writer.close();
    pending.entry.digest = hash.digest("hex");
    this.pending.delete(id);
    this.outstanding--;
    this.sink.made?.(pending.entry);
    this.request();
    this.settle();
  }

  /** When all has come: hard links, then the folders' times. */
  private settle(): void {
    if (!this.ended || this.pending.size > 0 || this.finished) return;
    for (const { entry, known } of this.links) this.link(entry, known);
    this.sink.finish?.([...this.touched.values()]);
    this.finished = true;
    this.output.finish();
  }

  private link(entry: FileEntry, known: FileEntry | undefined): void {
    // The check of the order has seen the file, which is an entry by now.
    entry.digest = (this.order.fileAt(entry.linkname) as FileEntry).digest;
    if (known && isUnchanged(known, entry) && !this.remade.has(entry.linkname)) return;
    this.begin();
    this.touch(entry.path);
    this.changed++;
    if (known) this.sink.remove(known);
    this.sink.hardLink(entry);
    this.sink.made?.(entry);
  }
}

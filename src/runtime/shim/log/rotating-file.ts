// A log's file: whole entries are appended; at its size limit NAME becomes NAME.1, that becomes NAME.2 (.gz where they are
// compressed), and a new NAME begins, as dockerd does it (moby daemon/logger/loggerutils/logfile.go).
//
// Readers are in another process. So that they see the files in one order and each once, NAME.rotation has the number of
// rotations so far and is locked (flock) while names change: NAME has that number, NAME.i that number minus i.
import { existsSync, fstatSync, readdirSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoText } from "../../../linux/errors.ts";
import { close, O, open } from "../../../linux/ffi.ts";
import { lock, unlock } from "../../../linux/files.ts";
import { truncateFile, writeAllAt, writeVectorAt } from "../../../linux/raw-io.ts";
import type { Compressor } from "./types.ts";

export interface RotationOptions {
  /** Bytes after which a new file begins; absent: never. */
  maxSize?: number;
  maxFiles: number;
  compress: boolean;
}

const MODE = 0o640;
const ENOSPC = 28;

export class RotatingFile {
  onRoom: () => void = () => {};
  private fd: number;
  private size: number;
  private compressing = false;
  /** Bytes that could not be written since the last that could. */
  private lost = 0;
  private rotations: Rotations | undefined;

  /**
   * @param whole gives how many bytes of an existing file are whole entries: what a crash cut off is taken away
   * @param complain is told once when the file can't be written (a full disk), and again when it can
   */
  constructor(
    private readonly path: string,
    private readonly options: RotationOptions,
    private readonly compressor: Compressor,
    private readonly complain: (message: string) => void,
    whole: (fd: number, size: number) => number,
  ) {
    this.fd = open(path, O.RDWR | O.APPEND | O.CREAT, MODE);
    this.size = fstatSync(this.fd).size;
    const good = whole(this.fd, this.size);
    if (good < this.size) this.cutTo(good);
    if (options.maxSize !== undefined) this.rotations = new Rotations(`${path}.rotation`);
    // A process that was killed meanwhile left its file as it was, and a piece of the compressed one.
    if (options.compress && existsSync(`${path}.1`)) {
      rmSync(`${path}.1.gz`, { force: true });
      this.compress();
    }
  }

  /** It is at its limit and can't be rotated yet: the file before it is still being compressed. */
  get full(): boolean {
    return this.compressing && this.due(0);
  }

  /** Whether the next entry belongs into a new file; `unwritten` bytes are on their way into this one. */
  due(unwritten: number): boolean {
    return this.options.maxSize !== undefined && this.size + unwritten >= this.options.maxSize;
  }

  /** Appends whole entries. What can't be written is lost, and told of. */
  append(address: number, length: number): void {
    const failed = this.fd < 0 ? this.reopen() : 0;
    this.appended(failed === 0 ? writeAllAt(this.fd, address, length) : failed, length);
  }

  /** As `append`, of `count` pieces that are `length` bytes together (see writeVectorAt). */
  appendPieces(vector: number, count: number, length: number): void {
    const failed = this.fd < 0 ? this.reopen() : 0;
    const written = failed === 0 ? writeVectorAt(this.fd, vector, count) : failed;
    // A file takes less than all only where the disk is full.
    this.appended(written === length ? 0 : written < 0 ? written : -ENOSPC, length);
  }

  private appended(written: number, length: number): void {
    if (written === 0) {
      this.size += length;
      if (this.lost > 0) this.complain(`${this.path} is written again; ${this.lost} bytes were lost`);
      this.lost = 0;
      return;
    }
    if (this.lost === 0)
      this.complain(`cannot write ${this.path}: ${errnoText(-written)}; what comes is lost until it can be`);
    this.lost += length;
    // A part of an entry would spoil the next one.
    if (this.fd >= 0) this.cutTo(this.size);
  }

  private cutTo(size: number): void {
    try {
      truncateFile(this.fd, size);
      this.size = size;
    } catch {
      this.size = fstatSync(this.fd).size;
    }
  }

  private reopen(): number {
    try {
      this.fd = open(this.path, O.RDWR | O.APPEND | O.CREAT, MODE);
      this.size = fstatSync(this.fd).size;
      return 0;
    } catch (error) {
      return -((error as { errno?: number }).errno ?? 5);
    }
  }

  /** Begins a new file, unless the last is still being compressed: then this one grows on for so long. */
  rotate(): void {
    if (this.compressing) return;
    const { maxFiles, compress } = this.options;
    this.rotations?.begin();
    try {
      if (maxFiles < 2) rmSync(this.path, { force: true });
      else this.shift(maxFiles);
      close(this.fd);
      this.fd = -1;
      this.rotations?.count();
      if (this.reopen() !== 0) this.fd = -1;
    } catch (error) {
      this.complain(`cannot rotate ${this.path}: ${(error as Error).message}`);
    } finally {
      this.rotations?.end();
    }
    if (compress && maxFiles > 1) this.compress();
  }

  /** A file may be there in either form: compression fails on a full disk. `maxFiles` may be far more than there are. */
  private shift(maxFiles: number): void {
    for (const { i, suffix } of this.rotated().sort((a, b) => b.i - a.i)) {
      const name = `${this.path}.${i}${suffix}`;
      if (i >= maxFiles - 1) rmSync(name, { force: true });
      else renameSync(name, `${this.path}.${i + 1}${suffix}`);
    }
    moveIfThere(this.path, `${this.path}.1`);
  }

  private rotated(): { i: number; suffix: string }[] {
    const beginning = `${basename(this.path)}.`;
    return readdirSync(dirname(this.path))
      .filter((name) => name.startsWith(beginning))
      .map((name) => /^([1-9]\d*)(\.gz)?$/.exec(name.slice(beginning.length)))
      .filter((found) => found !== null)
      .map(([, number, suffix = ""]) => ({ i: Number(number), suffix }));
  }

  private compress(): void {
    this.compressing = this.compressor.start(`${this.path}.1`, () => {
      this.compressing = false;
      this.onRoom();
    });
  }
}

/** NAME.rotation. */
class Rotations {
  private readonly fd: number;
  private number: number;

  constructor(path: string) {
    this.fd = open(path, O.RDWR | O.CREAT, MODE);
    const bytes = Buffer.alloc(32);
    const length = readSync(this.fd, bytes, 0, bytes.length, 0);
    this.number = Number(bytes.toString("latin1", 0, length)) || 0;
    // Room for it is taken now: when the disk is full, counting on must still be possible.
    if (length === 0) writeSync(this.fd, "0", 0);
  }

  /** Waits for a reader that is opening the files: microseconds. */
  begin(): void {
    lock(this.fd);
  }

  count(): void {
    this.number++;
    writeSync(this.fd, String(this.number), 0);
  }

  end(): void {
    unlock(this.fd);
  }
}

function moveIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
}

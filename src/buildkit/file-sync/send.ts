// The sending side of fsutil's protocol: says what files there are, and gives the content of those that are asked for.
import { closeSync, readSync } from "node:fs";
import { invalid, messageOf, unavailable } from "../../base/errors.ts";
import type { FileStat } from "./file-stat.ts";
import { hasContent } from "./order-check.ts";
import { PacketEncoder } from "./packet-encoder.ts";
import { type Packet, PacketDecoder } from "./packets.ts";
import { openFile, type TreeSource } from "./tree-source.ts";
import { type WalkOptions, walkTree } from "./walk.ts";

/** One side of a call whose messages are framed here (grpc/ has such). */
export interface PacketStream {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes may be changed again. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface SendOptions extends WalkOptions {
  signal?: AbortSignal;
  /** Bytes sent so far, with what is said of the files. */
  onProgress?: (bytes: number) => void;
}

/** Bytes of a file in one packet. BuildKit sends 32 KiB and takes up to 16 MiB, Docker's client up to 4. */
const CHUNK = 256 << 10;
/** Collected before it is written. */
const BATCH = 128 << 10;
/** A look behind what seemed to be a file's end. */
const PROBE = 4 << 10;
const ROOM = BATCH + CHUNK + 2 * PROBE;

/**
 * Sends what of a tree is asked for, until the receiver has said that it has all. Two buffers are all that it holds, whatever
 * the files' sizes. Errors: invalid for the tree, the patterns or the receiver's requests (it is told, too); unavailable when the
 * receiver leaves; "error from receiver: …".
 */
export async function sendTree(stream: PacketStream, tree: TreeSource, options: SendOptions): Promise<void> {
  const sender = new Sender(tree, options);
  void hear(stream, sender);
  let encoder = new PacketEncoder(ROOM);
  let other = new PacketEncoder(ROOM);
  let written: Promise<void> = Promise.resolve();
  let sent = 0;
  try {
    while (!sender.finished) {
      options.signal?.throwIfAborted();
      const more = sender.fill(encoder);
      if (encoder.length > 0) {
        sent += encoder.length;
        options.onProgress?.(sent);
        await written;
        written = stream.write(encoder.take());
        written.catch(() => {}); // Awaited before the next one
        [encoder, other] = [other, encoder];
      }
      // Filled again right away while there is work: the loop sees to others in between.
      if (more) await new Promise<void>((resolve) => setImmediate(resolve));
      else await sender.wait();
      if (sender.problem) throw sender.problem;
    }
    await written;
    encoder.finish();
    await stream.write(encoder.take());
  } catch (thrown) {
    await written.catch(() => {});
    if (!sender.toldByReceiver) {
      encoder.take();
      encoder.error(messageOf(thrown));
      await stream.write(encoder.take()).catch(() => {});
    }
    throw thrown;
  } finally {
    sender.close();
  }
}

/** Takes what the receiver says, until it has all. What goes wrong is the sender's problem. */
async function hear(stream: PacketStream, sender: Sender): Promise<void> {
  const decoder = new PacketDecoder();
  try {
    for await (const chunk of stream.chunks) {
      decoder.push(chunk, (packet) => sender.hear(packet));
      if (sender.finished) return;
    }
    throw unavailable("the receiver left before the files were transferred");
  } catch (thrown) {
    sender.fail(thrown);
  }
}

class Sender {
  finished = false;
  toldByReceiver = false;
  problem: unknown;
  private readonly walk: Generator<FileStat | undefined, void>;
  private walking = true;
  /** Paths of the files that may be asked for, by their number; once each. */
  private readonly files = new Map<number, string>();
  private count = 0;
  private readonly asked: { id: number; path: string }[] = [];
  private nextAsked = 0;
  private open: { id: number; fd: number } | undefined;
  private wake = () => {};

  constructor(
    private readonly tree: TreeSource,
    options: SendOptions,
  ) {
    this.walk = walkTree(tree, options);
  }

  hear(packet: Packet): void {
    if (packet.type === "error") {
      this.toldByReceiver = true;
      throw invalid(`error from receiver: ${packet.message}`);
    }
    if (packet.type === "finish") this.finished = true;
    else if (packet.type === "request") {
      const path = this.files.get(packet.id);
      if (path === undefined) throw invalid(`invalid file id ${packet.id}`);
      this.files.delete(packet.id);
      this.asked.push({ id: packet.id, path });
    }
    this.wake();
  }

  fail(problem: unknown): void {
    this.problem ??= problem;
    this.wake();
  }

  /** Resolves when there is something to send, or an end to see. */
  async wait(): Promise<void> {
    if (this.finished || this.problem || this.nextAsked < this.asked.length) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  /** Puts a batch together; false when there is nothing more for now. */
  fill(encoder: PacketEncoder): boolean {
    if (this.problem) throw this.problem;
    if (this.walking) this.describe(encoder);
    while (encoder.length < BATCH && this.sendPiece(encoder));
    return this.walking || this.open !== undefined || this.nextAsked < this.asked.length;
  }

  private describe(encoder: PacketEncoder): void {
    while (encoder.length < BATCH / 2) {
      const { done, value: stat } = this.walk.next();
      if (done) {
        this.walking = false;
        encoder.stat(undefined);
        return;
      }
      if (!stat) return;
      if (hasContent(stat)) this.files.set(this.count, stat.path);
      this.count++;
      encoder.stat(stat);
    }
  }

  /** The next piece of what was asked for; false when all that was asked for is sent. */
  private sendPiece(encoder: PacketEncoder): boolean {
    if (!this.open) {
      if (this.nextAsked === this.asked.length) {
        this.asked.length = this.nextAsked = 0;
        return false;
      }
      const { id, path } = this.asked[this.nextAsked++]!;
      const fd = openFile(this.tree, path);
      if (fd === undefined) {
        encoder.data(id, new Uint8Array());
        return true;
      }
      this.open = { id, fd };
    }
    const { id, fd } = this.open;
    const count = encoder.dataFrom(id, CHUNK, (into) => readSome(fd, into));
    if (count < CHUNK) {
      // A short read is nearly always the end; the end is what reads nothing.
      if (count > 0 && encoder.dataFrom(id, PROBE, (into) => readSome(fd, into)) > 0) return true;
      this.close();
      encoder.data(id, new Uint8Array());
    }
    return true;
  }

  close(): void {
    if (this.open) closeSync(this.open.fd);
    this.open = undefined;
  }
}

/** 0 at the end, and for what can't be read: a folder that took a file's place. */
function readSome(fd: number, into: Uint8Array): number {
  try {
    return readSync(fd, into, 0, into.length, null);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === "EISDIR" || (thrown as { code?: unknown }).code === "EAGAIN")
      return 0;
    throw thrown;
  }
}

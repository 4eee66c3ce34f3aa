// A peer may raise the window of all streams at once (SETTINGS_INITIAL_WINDOW_SIZE; RFC 9113, 6.9.2: those that are open get
// the difference). gRPC for Go does, as soon as it has measured the way. Bun 1.4 gives the difference only to streams that
// had no window update of their own, so a larger file stops in its middle. Here Bun sees the first setting for ever, and
// the difference as a window update for each stream.
import { Duplex } from "node:stream";

const HEADER = 9;
const SETTINGS = 4;
const ACK = 1;
const WINDOW_UPDATE = 8;
const INITIAL_WINDOW_SIZE = 4;
const DEFAULT_WINDOW = 65535;
/** What a client says before its first frame. */
const PREFACE = 24;

/** What a peer sends, with its settings rewritten. */
export class WindowMender {
  /** Bytes of the preface, or of the frame that passes, which are still to come. */
  #left: number;
  /** The beginning of a frame whose header, or whose settings, aren't whole yet. */
  #held = Buffer.alloc(0);
  #queued: Buffer[] = [];
  readonly #open = new Set<number>();
  /** The first setting, which Bun knows, and the last one. */
  #base: number | undefined;
  #current = DEFAULT_WINDOW;

  /** `fromClient`: the peer is the connection's client. */
  constructor(
    fromClient: boolean,
    private readonly emit: (bytes: Buffer) => void,
  ) {
    this.#left = fromClient ? PREFACE : 0;
  }

  /** A stream has been opened: by whom ever, it begins with the first setting. */
  opened(id: number): void {
    this.#open.add(id);
    const more = this.#current - (this.#base ?? this.#current);
    if (more > 0) this.#queue(windowUpdate(id, more));
  }

  closed(id: number): void {
    this.#open.delete(id);
  }

  take(chunk: Uint8Array): void {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#held.length > 0) {
      bytes = Buffer.concat([this.#held, bytes]);
      this.#held = Buffer.alloc(0);
    }
    let start = 0;
    let at = 0;
    const flush = () => {
      if (at > start) this.emit(bytes.subarray(start, at));
      start = at;
    };
    while (at < bytes.length) {
      if (this.#left > 0) {
        const part = Math.min(this.#left, bytes.length - at);
        this.#left -= part;
        at += part;
        continue;
      }
      if (this.#queued.length > 0) {
        flush();
        this.#release();
      }
      const length = bytes.length - at < HEADER ? undefined : bytes.readUIntBE(at, 3);
      const isSettings = length !== undefined && bytes[at + 3] === SETTINGS && !(bytes[at + 4]! & ACK);
      if (length === undefined || (isSettings && bytes.length - at < HEADER + length)) {
        flush();
        this.#held = Buffer.from(bytes.subarray(at));
        return;
      }
      if (isSettings) {
        flush();
        const frame = Buffer.from(bytes.subarray(at, at + HEADER + length));
        this.#settings(frame);
        this.emit(frame);
        at += frame.length;
        start = at;
      } else {
        this.#left = HEADER + length;
      }
    }
    flush();
    if (this.#left === 0) this.#release();
  }

  #settings(frame: Buffer): void {
    for (let at = HEADER; at + 6 <= frame.length; at += 6) {
      if (frame.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue;
      const wanted = frame.readUInt32BE(at + 2);
      if (this.#base === undefined) {
        this.#current = wanted;
        continue;
      }
      frame.writeUInt32BE(this.#base, at + 2);
      // Nobody lowers it: a window that is taken back can't be said by an update.
      const more = wanted - this.#current;
      if (more <= 0) continue;
      this.#current = wanted;
      for (const id of this.#open) this.#queued.push(windowUpdate(id, more));
    }
    this.#base ??= this.#current;
  }

  /** Goes between two frames. */
  #queue(frame: Buffer): void {
    this.#queued.push(frame);
    if (this.#left === 0 && this.#held.length === 0) this.#release();
  }

  #release(): void {
    for (const frame of this.#queued.splice(0)) this.emit(frame);
  }
}

function windowUpdate(id: number, more: number): Buffer {
  const frame = Buffer.alloc(HEADER + 4);
  frame.writeUIntBE(4, 0, 3);
  frame[3] = WINDOW_UPDATE;
  frame.writeUInt32BE(id, 5);
  frame.writeUInt32BE(more, HEADER);
  return frame;
}

export interface MendedSocket {
  socket: Duplex;
  /** To be told of each stream of the connection. */
  watch(stream: StreamLike): void;
}

interface StreamLike {
  readonly id?: number | undefined;
  on(event: "close", listener: () => void): unknown;
}

/** The connection as Bun's HTTP/2 is to see it. */
export function mendWindows(inner: Duplex, fromClient: boolean): MendedSocket {
  const socket = new Duplex({
    read() {
      inner.resume();
    },
    write(chunk: Uint8Array, _encoding, done) {
      inner.write(chunk, done);
    },
    writev(pieces, done) {
      inner.cork();
      for (const [index, { chunk }] of pieces.entries())
        inner.write(chunk as Uint8Array, index === pieces.length - 1 ? done : undefined);
      inner.uncork();
    },
    final(done) {
      inner.end(done);
    },
    destroy(error, done) {
      inner.destroy();
      done(error);
    },
  });
  const mender = new WindowMender(fromClient, (bytes) => {
    if (!socket.push(bytes)) inner.pause();
  });
  inner.on("data", (chunk: Uint8Array) => mender.take(chunk));
  inner.on("end", () => socket.push(null));
  inner.on("error", (error) => socket.destroy(error));
  inner.on("close", () => socket.destroy());
  return {
    socket,
    watch(stream) {
      const { id } = stream;
      if (id === undefined) return;
      mender.opened(id);
      stream.on("close", () => mender.closed(id));
    },
  };
}

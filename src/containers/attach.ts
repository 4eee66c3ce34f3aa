// `docker attach` and the streams of `run`: what was logged so far, then the live streams of the shim.
// `run` attaches before it starts: such a client waits here, and gets its streams before the program's first byte.
import { conflict, systemError } from "../base/errors.ts";
import type { AttachedStream, Shim } from "../runtime/types.ts";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";
import type { LogEntry } from "./logs/entry.ts";
import { readSource } from "./logs/open.ts";
import type {
  Attachment,
  AttachOptions,
  ContainerId,
  ContainerRecord,
  Containers,
  LogSource,
  OutputChunk,
  PendingAttachment,
} from "./types.ts";

/** Milliseconds between the end of a program's output and the record of its exit: fractions of one, on an idle machine. */
const SETTLING = 500;

/** Errors: invalid (detach keys), conflict (paused, restarting). `reference` is as the client wrote it, for the texts. */
export function attach(
  containers: Containers,
  record: ContainerRecord,
  reference: string,
  source: () => LogSource,
  options: AttachOptions,
): Attachment {
  const keys = parseDetachKeys(options.detachKeys, (text) => `Invalid detach keys (${text}) provided`);
  if (record.state.status === "paused")
    throw conflict(`container ${reference} is paused, unpause the container before attach`);
  if (record.state.status === "restarting")
    throw conflict(`container ${reference} is restarting, wait until the container is running`);
  const live = options.stream ? liveStreams(containers, record, options) : undefined;
  containers.emit(record, "attach");
  return new ClientAttachment({
    tty: record.config.Tty ?? false,
    past: options.logs ? pastOutput(record, source(), options) : undefined,
    live,
    // Only a terminal's input is typed: piped bytes that happen to be the keys are data (moby container/stream/attach.go).
    scanner: options.stdin && record.config.Tty ? new DetachScanner(keys) : undefined,
    takesInput: options.stdin && record.config.OpenStdin === true,
    endsInput: record.config.StdinOnce === true && !record.config.Tty,
    onDetach: () => containers.emit(containers.get(record.id) ?? record, "detach"),
  });
}

/** Gives the clients that wait for this container their streams. Called between the shim's start and the program's. */
export async function connectPending(containers: Containers, id: ContainerId, shim: Shim): Promise<void> {
  const pending = containers.pendingAttachments.get(id);
  if (!pending) return;
  containers.pendingAttachments.delete(id);
  await Promise.all([...pending].map((client) => client.connect(shim)));
}

/** There will be no start (it failed, or the container is gone): the output of those who wait ends. */
export function endPending(containers: Containers, id: ContainerId): void {
  for (const client of containers.pendingAttachments.get(id) ?? []) client.cancel();
  containers.pendingAttachments.delete(id);
}

interface Live {
  stream: Promise<AttachedStream>;
  /** No longer waits for the container's start. */
  cancel: () => void;
}

function liveStreams(containers: Containers, record: ContainerRecord, options: AttachOptions): Live {
  const wanted = {
    stdin: options.stdin && record.config.OpenStdin === true,
    stdout: options.stdout,
    stderr: options.stderr,
  };
  const shim = containers.shims.get(record.id);
  if (shim && record.state.status === "running") return { stream: shim.attach(wanted), cancel: () => {} };
  const { promise, resolve, reject } = Promise.withResolvers<AttachedStream>();
  const client: PendingAttachment = {
    connect: (started) => started.attach(wanted).then(resolve, reject),
    cancel: () => reject(conflict(`container ${record.id} was not started`)),
  };
  const pending = containers.pendingAttachments.get(record.id) ?? new Set();
  containers.pendingAttachments.set(record.id, pending.add(client));
  const cancel = () => {
    pending.delete(client);
    if (pending.size === 0 && containers.pendingAttachments.get(record.id) === pending)
      containers.pendingAttachments.delete(record.id);
    client.cancel();
  };
  return { stream: promise, cancel };
}

/** Errors: system (a driver that can't be read). */
function pastOutput(
  record: ContainerRecord,
  source: LogSource,
  options: AttachOptions,
): AsyncIterable<OutputChunk> {
  if (!source) throw systemError("configured logging driver does not support reading");
  const chunks: OutputChunk[] = [];
  const sink = {
    entry({ stream, bytes, start, end, lineFeed }: LogEntry): boolean {
      const name = stream === 0 ? "stdout" : "stderr";
      if (!options[name]) return true;
      const data = Buffer.allocUnsafe(end - start + (lineFeed ? 1 : 0));
      bytes.copy(data, 0, start, end);
      if (lineFeed) data[end - start] = 0x0a;
      chunks.push({ stream: name, data });
      return true;
    },
    taken: () => chunks.splice(0),
  };
  return readSource(source, record, { tail: -1, signal: new AbortController().signal }, sink);
}

/** What a client holds: the output in one order, its input watched for the detach keys. */
export class ClientAttachment implements Attachment {
  readonly tty: boolean;
  readonly output: AsyncIterable<OutputChunk>;
  private readonly detached = Promise.withResolvers<"detached">();
  private closed = false;

  constructor(
    private readonly parts: {
      tty: boolean;
      past: AsyncIterable<OutputChunk> | undefined;
      live: Live | undefined;
      scanner: DetachScanner | undefined;
      takesInput: boolean;
      /** The client's end of input is the program's. */
      endsInput: boolean;
      onDetach: () => void;
      /** The end of the output waits for this, but not long: a client asks for the exit status right after it. */
      settled?: Promise<void>;
    },
  ) {
    this.tty = parts.tty;
    this.output = this.read();
    parts.live?.stream.catch(() => {}); // whoever reads or writes sees it
  }

  private async *read(): AsyncGenerator<OutputChunk> {
    if (this.parts.past) yield* this.parts.past;
    if (!this.parts.live) return;
    const stream = await Promise.race([this.parts.live.stream, this.detached.promise]).catch(() => undefined);
    if (!stream || stream === "detached") return;
    const reader = stream.output.getReader();
    try {
      for (;;) {
        const next = await Promise.race([reader.read(), this.detached.promise]);
        if (next === "detached") return;
        if (next.done) {
          // A program may close its output and go on: it isn't waited for longer than the kernel needs to tell its end.
          if (this.parts.settled) await Promise.race([this.parts.settled, Bun.sleep(SETTLING)]);
          return;
        }
        yield next.value;
      }
    } finally {
      reader.releaseLock(); // closing it is disposal's
    }
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.closed || !this.parts.live) return;
    const { pass, detached } = this.parts.scanner?.scan(data) ?? { pass: data, detached: false };
    if (pass.length > 0 && this.parts.takesInput) {
      // The program may end at any moment: what it no longer reads is dropped, as a pipe's writer finds out.
      await this.parts.live.stream.then((stream) => stream.write(pass)).catch(() => {});
    }
    if (detached && !this.closed) {
      this.parts.onDetach();
      await this.close();
    }
  }

  closeStdin(): void {
    if (this.closed || !this.parts.endsInput || !this.parts.takesInput) return;
    this.parts.live?.stream.then(
      (stream) => stream.closeStdin(),
      () => {},
    );
  }

  private async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.detached.resolve("detached");
    this.parts.live?.cancel();
    const stream = await this.parts.live?.stream.catch(() => undefined);
    await stream?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

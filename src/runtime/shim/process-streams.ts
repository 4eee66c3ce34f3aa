// The streams of one process, the container's own or an exec's: what it writes goes to its log and to every attached
// client, what clients send goes to its input as fast as it takes it.
import { close, setNonBlocking } from "../../linux/ffi.ts";
import { makePipe } from "../../linux/pipe.ts";
import { AGAIN, readAt, writeAt } from "../../linux/raw-io.ts";
import type { Connection } from "./connection.ts";
import { noLog } from "./log/open.ts";
import type { ContainerLog } from "./log/types.ts";
import { FRAME, FRAME_HEADER, STREAM_CHUNK } from "./protocol.ts";
import { EPOLL, READ, type Reactor, type Timer, WRITE } from "./reactor.ts";
import { CHUNK_START, frameScratch, scratch } from "./scratch.ts";

/**
 * A process's children may hold its pipes after it ended; their output is waited for this long, in milliseconds, as
 * dockerd waits for a stream's copy.
 */
const DRAIN = 2000;
/** What a log driver has not taken of a process that ended is waited for this long, as dockerd's loggerCloseTimeout. */
const LOG_DRAIN = 10_000;

const WANTS = [1, 2] as const;
const FRAMES = [FRAME.STDOUT, FRAME.STDERR] as const;

export class ProcessStreams {
  private readonly clients = new Set<Connection>();
  /** Clients whose input the process has not taken. */
  private readonly waiting = new Set<Connection>();
  private input = -1;
  /** Its events also tell of output: a terminal is one descriptor for both. */
  private terminal = -1;
  private inputWatched = false;
  /** The input was over before there was a pipe for it. */
  private overEarly = false;
  private readonly outputs: [number, number] = [-1, -1];
  private childEnds: number[] = [];
  private begun = false;
  private ended = false;
  private drain: Timer | undefined;
  private drained: (() => void) | undefined;
  /** The log takes no more: the output stays in its pipes, and is not even looked at (a hang-up is told again and again). */
  private held = false;

  constructor(
    private readonly reactor: Reactor,
    private readonly log: ContainerLog = noLog,
  ) {
    if (log !== noLog) log.onRoom = () => this.logHasRoom();
  }

  /** Makes the pipes, and gives what the process is to have as its descriptors 0, 1 and 2. */
  openPipes(stdin: boolean): [number | "null", number, number] {
    const input = stdin ? makePipe() : undefined;
    const output = makePipe();
    const error = makePipe();
    if (input) this.input = this.ownEnd(input.write);
    this.outputs[0] = this.ownEnd(output.read);
    this.outputs[1] = this.ownEnd(error.read);
    this.childEnds = [output.write, error.write, ...(input ? [input.read] : [])];
    return [input?.read ?? "null", output.write, error.write];
  }

  /** The terminal's master, as the runtime handed it over. */
  useTerminal(master: number, stdin: boolean): void {
    this.terminal = this.ownEnd(master);
    this.outputs[0] = this.terminal;
    if (stdin) this.input = this.terminal;
  }

  get terminalFd(): number | undefined {
    return this.terminal < 0 ? undefined : this.terminal;
  }

  /** The process has its ends; ours of them are closed, or the output would never end. */
  closeChildEnds(): void {
    for (const fd of this.childEnds) close(fd);
    this.childEnds = [];
  }

  /** The process runs: from now on its output flows. Before that a runtime's own words may be in the pipes. */
  begin(): void {
    this.begun = true;
    for (const stream of [0, 1] as const) this.watchOutput(stream);
    if (this.waiting.size > 0) this.inputReady();
    if (this.overEarly) this.closeInput();
  }

  /** It never ran: nobody gets to see what is in its pipes. */
  abandon(): void {
    this.closeChildEnds();
    this.finish();
  }

  /** The process has ended; `drained` is called when its last output was handed on. */
  processEnded(drained: () => void): void {
    this.drained = drained;
    if (this.ended) drained();
    else
      this.drain = this.reactor.after(DRAIN, () => {
        // Its output may be whole, and wait for nothing but its log.
        if (this.held || !this.log.settled)
          this.drain = this.reactor.after(LOG_DRAIN - DRAIN, () => this.finish());
        else this.finish();
      });
  }

  private logHasRoom(): void {
    if (this.held && !this.log.full) {
      this.held = false;
      for (const stream of [0, 1] as const) this.watchOutput(stream);
    }
    if (!this.ended && this.begun && this.outputsOver && this.log.settled) this.finish();
  }

  private get outputsOver(): boolean {
    return this.outputs[0] < 0 && this.outputs[1] < 0;
  }

  private holdOutput(): void {
    this.held = true;
    for (const fd of this.outputs) if (fd >= 0) this.reactor.forget(fd);
  }

  private watchOutput(stream: 0 | 1): void {
    const fd = this.outputs[stream];
    if (fd < 0) return;
    const events = fd === this.terminal && this.inputWatched ? READ | WRITE : READ;
    this.reactor.watch(fd, events, (happened) => this.onOutput(stream, happened));
  }

  attach(client: Connection): void {
    if (this.ended) {
      sendEnd(client);
      return;
    }
    this.clients.add(client);
  }

  detach(client: Connection): void {
    this.clients.delete(client);
    this.waiting.delete(client);
  }

  /** How much of a client's input the process took; the client is resumed when it takes more. */
  write(client: Connection, address: number, length: number): number {
    if (this.ended) return length;
    if (!this.begun) {
      // Held back until the process runs and has a place to put it.
      this.waiting.add(client);
      return 0;
    }
    if (this.input < 0) return length;
    const count = writeAt(this.input, address, length);
    if (count === length) return count;
    if (count < 0 && count !== AGAIN) {
      // Nobody reads it any more; what else comes is dropped, as in a pipe without a reader.
      this.closeInput();
      return length;
    }
    this.waiting.add(client);
    this.watchInput(true);
    return Math.max(count, 0);
  }

  /** End of input for a process with pipes. A terminal's input ends by the character that its user types. */
  closeInput(): void {
    if (this.input < 0 && !this.begun) this.overEarly = true;
    if (this.input < 0 || this.input === this.terminal) return;
    this.watchInput(false);
    close(this.input);
    this.input = -1;
    this.resumeWaiting();
  }

  private ownEnd(fd: number): number {
    setNonBlocking(fd, true);
    return fd;
  }

  private watchInput(on: boolean): void {
    if (on === this.inputWatched) return;
    this.inputWatched = on;
    if (this.input === this.terminal) {
      if (!this.held) this.reactor.change(this.terminal, on ? READ | WRITE : READ);
    } else if (on) this.reactor.watch(this.input, WRITE, () => this.inputReady());
    else this.reactor.forget(this.input);
  }

  private inputReady(): void {
    this.watchInput(false);
    this.resumeWaiting();
  }

  private resumeWaiting(): void {
    const clients = [...this.waiting];
    this.waiting.clear();
    for (const client of clients) client.resume();
  }

  private onOutput(stream: 0 | 1, events: number): void {
    if (stream === 0 && this.terminal >= 0 && events & EPOLL.OUT) this.inputReady();
    const fd = this.outputs[stream];
    if (fd < 0 || !(events & (EPOLL.IN | EPOLL.HUP | EPOLL.ERR))) return;
    const count = readAt(fd, scratch.address + CHUNK_START, Math.min(STREAM_CHUNK, this.log.chunk));
    if (count === AGAIN) return;
    // A terminal whose last user closed it says EIO.
    if (count <= 0) this.outputEnded(stream);
    else this.handOn(stream, count);
  }

  private handOn(stream: 0 | 1, length: number): void {
    this.log.write(stream, scratch, CHUNK_START, CHUNK_START + length);
    if (this.log.full && !this.held) this.holdOutput();
    if (this.clients.size === 0) return;
    frameScratch(FRAMES[stream], length);
    for (const client of this.clients)
      if (client.wants & WANTS[stream]) client.send(scratch.address, FRAME_HEADER + length);
  }

  private outputEnded(stream: 0 | 1): void {
    const fd = this.outputs[stream];
    this.outputs[stream] = -1;
    this.reactor.forget(fd);
    if (fd === this.terminal) {
      this.terminal = -1;
      this.input = -1;
    }
    close(fd);
    this.log.end(stream);
    if (this.outputsOver && this.log.settled) this.finish();
  }

  /** All output was handed on, or is given up. */
  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.reactor.cancel(this.drain);
    this.closeInput();
    for (const stream of [0, 1] as const) {
      const fd = this.outputs[stream];
      if (fd < 0) continue;
      this.reactor.forget(fd);
      close(fd);
      this.outputs[stream] = -1;
      this.log.end(stream);
    }
    this.terminal = this.input = -1;
    this.resumeWaiting();
    for (const client of this.clients) sendEnd(client);
    this.clients.clear();
    this.drained?.();
  }
}

function sendEnd(client: Connection): void {
  frameScratch(FRAME.OUTPUT_END, 0);
  client.send(scratch.address, FRAME_HEADER);
}

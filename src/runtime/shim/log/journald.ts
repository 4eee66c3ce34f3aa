// The journald driver: a datagram a line in the journal's native protocol (systemd's JOURNAL_NATIVE_PROTOCOL), with the fields
// of moby's daemon/logger/journald.
import { copyBytes, type FixedBuffer, fixedBuffer, randomHex } from "../../../linux/raw-io.ts";
import { formatTime } from "./json-line.ts";
import { LINE_MAX } from "./line-splitter.ts";
import type { RemoteWriter } from "./remote-writer.ts";
import type { LineSink, Moment, OutputNumber, Part } from "./types.ts";

export const JOURNAL_SOCKET = "/run/systemd/journal/socket";
const ERROR = 3;
const INFORMATION = 6;
const CHUNK = 4 << 10;

export class JournaldSink implements LineSink {
  readonly chunk = CHUNK;
  private readonly out: FixedBuffer;
  private readonly constant: Uint8Array;
  private ordinal = 0;

  constructor(
    fields: Record<string, string>,
    private readonly writer: RemoteWriter,
  ) {
    const all = { ...fields, CONTAINER_LOG_EPOCH: randomHex(32) };
    this.constant = Buffer.concat(Object.entries(all).map(([name, value]) => field(name, value)));
    this.out = fixedBuffer(this.constant.length + LINE_MAX + 1024);
  }

  get full(): boolean {
    return this.writer.full;
  }
  get settled(): boolean {
    return this.writer.empty;
  }
  set onRoom(onRoom: () => void) {
    this.writer.onRoom = onRoom;
  }

  begin(): void {}

  line(
    stream: OutputNumber,
    buffer: FixedBuffer,
    start: number,
    end: number,
    moment: Moment,
    part: Part | undefined,
  ): void {
    if (this.writer.drops(end - start)) return;
    const { bytes, address } = this.out;
    const head = Buffer.from(
      `PRIORITY=${stream === 1 ? ERROR : INFORMATION}\n` +
        `SYSLOG_TIMESTAMP=${formatTime(moment.seconds, moment.nanoseconds)}\n` +
        `CONTAINER_LOG_ORDINAL=${++this.ordinal}\n${part ? partFields(part) : ""}MESSAGE=`,
    );
    bytes.set(this.constant);
    bytes.set(head, this.constant.length);
    const text = this.constant.length + head.length;
    copyBytes(address + text, buffer.address + start, end - start);
    bytes[text + end - start] = 0x0a;
    this.writer.send(address, text + end - start + 1);
  }

  flush(): void {}
}

const partFields = ({ id, ordinal, last }: Part): string =>
  `CONTAINER_PARTIAL_ID=${id}\nCONTAINER_PARTIAL_ORDINAL=${ordinal}\nCONTAINER_PARTIAL_LAST=${last}\n` +
  (last ? "" : "CONTAINER_PARTIAL_MESSAGE=true\n");

/** `NAME=value`, or for a value with line feeds its name, its length in 64 bits, little endian, and itself. */
function field(name: string, value: string): Buffer {
  if (!value.includes("\n")) return Buffer.from(`${name}=${value}\n`);
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")]);
}

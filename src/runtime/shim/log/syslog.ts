// The syslog driver: a message a line, in the forms of github.com/RackSec/srslog and moby's daemon/logger/syslog.
import { readFileSync } from "node:fs";
import { wallClock } from "../../../linux/clock.ts";
import { copyBytes, type FixedBuffer, fixedBuffer } from "../../../linux/raw-io.ts";
import type { SyslogSettings } from "../../types.ts";
import { LINE_MAX } from "./line-splitter.ts";
import type { RemoteWriter } from "./remote-writer.ts";
import type { LineSink, Moment, OutputNumber } from "./types.ts";

const ERROR = 3;
const INFORMATION = 6;
/** Lines are read in pieces of so many bytes: each becomes a message with a head, and all may have to wait. */
const CHUNK = 4 << 10;
const OUT = 64 << 10;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export class SyslogSink implements LineSink {
  readonly chunk = CHUNK;
  private readonly out = fixedBuffer(OUT);
  private filled = 0;
  private readonly heads: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  private headTime = "";
  private readonly hostname = readFileSync("/proc/sys/kernel/hostname", "utf8").trim();

  constructor(
    private readonly settings: SyslogSettings,
    private readonly writer: RemoteWriter,
  ) {}

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

  line(stream: OutputNumber, buffer: FixedBuffer, start: number, end: number, _moment: Moment): void {
    if (end === start || this.writer.drops(this.filled + end - start)) return;
    this.setHeads();
    const head = this.heads[stream];
    const length = head.length + end - start + 1;
    if (this.filled > 0 && (this.settings.peer.datagram || this.filled + length > OUT)) this.flush();
    const { bytes, address } = this.out;
    bytes.set(head, this.filled);
    const text = this.filled + head.length;
    // A tag has no limit; what doesn't fit of the line is cut off.
    const taken = Math.min(end - start, LINE_MAX, OUT - text - 1);
    copyBytes(address + text, buffer.address + start, taken);
    bytes[text + taken] = 0x0a;
    this.filled = text + taken + 1;
  }

  flush(): void {
    if (this.filled === 0) return;
    this.writer.send(this.out.address, this.filled);
    this.filled = 0;
  }

  private setHeads(): void {
    const { facility, format, tag } = this.settings;
    wallClock.read();
    const { seconds, nanoseconds } = wallClock;
    const time =
      format === "rfc5424" || format === "rfc5424micro"
        ? localTime(seconds, format === "rfc5424micro" ? nanoseconds : undefined)
        : stamp(seconds);
    if (time === this.headTime) return;
    this.headTime = time;
    [INFORMATION, ERROR].forEach((severity, stream) => {
      const priority = `<${facility * 8 + severity}>`;
      const host = this.hostname;
      const text =
        format === ""
          ? `${priority}${time} ${tag}[${process.pid}]: `
          : format === "rfc3164"
            ? `${priority}${time} ${host} ${tag}[${process.pid}]: `
            : `${priority}1 ${time} ${host} ${tag} ${process.pid} ${tag} - `;
      this.heads[stream] = Buffer.from(text).subarray(0, OUT / 2);
    });
  }
}

const two = (value: number) => String(value).padStart(2, "0");

/** Go's time.Stamp, in the host's own time: `Jan _2 15:04:05`. */
function stamp(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = String(date.getDate()).padStart(2, " ");
  return `${MONTHS[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** RFC 3339 in the host's own time, with six digits of the second where nanoseconds are given. */
function localTime(seconds: number, nanoseconds: number | undefined): string {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(seconds * 1000 + offset * 60_000).toISOString().slice(0, 19);
  const fraction =
    nanoseconds === undefined ? "" : `.${String(Math.floor(nanoseconds / 1000)).padStart(6, "0")}`;
  const away = Math.abs(offset);
  const zone =
    offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(Math.floor(away / 60))}:${two(away % 60)}`;
  return `${local}${fraction}${zone}`;
}

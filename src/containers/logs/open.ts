// `docker logs`: what a container wrote so far, and on, from what its log driver keeps.
import { conflict, invalid, systemError } from "../../base/errors.ts";
import { parseEpoch } from "../../base/nanoseconds.ts";
import type { ContainerRecord, Containers, LogOptions, LogSource, LogStream } from "../types.ts";
import { isRunning } from "../views/status-text.ts";
import { type EntrySink, type ReadOptions, readLog } from "./files.ts";
import { LogFrames, type LogRange } from "./frames.ts";
import { jsonFormat } from "./json.ts";
import { localFormat } from "./local.ts";

/** Errors: invalid (no stream chosen, bad time), conflict (being removed), system (a driver that can't be read). */
export function openLogs(
  containers: Containers,
  record: ContainerRecord,
  source: () => LogSource,
  options: LogOptions,
  signal: AbortSignal,
): LogStream {
  if (!options.stdout && !options.stderr) throw invalid("You must choose at least one stream");
  if (record.state.status === "removing" || record.state.status === "dead")
    throw conflict("can not get logs from container which is dead or marked for removal");
  const from = source();
  if (!from) throw systemError("configured logging driver does not support reading");
  const range: LogRange = { since: parseTime(options.since), until: parseTime(options.until) };
  const tail = /^[+-]?\d+$/.test(options.tail) ? Number(options.tail) : -1;
  const follow =
    options.follow && isRunning(record.state) ? endOf(containers, record, range.until, signal) : undefined;
  const tty = record.config.Tty ?? false;
  const sink = new LogFrames(options, tty, range);
  return { tty, bytes: readSource(from, record, { tail, signal, ...(follow && { follow }) }, sink) };
}

/** Entries from wherever the driver keeps them. */
export function readSource<T>(
  source: NonNullable<LogSource>,
  record: ContainerRecord,
  options: ReadOptions,
  sink: EntrySink<T>,
): AsyncIterable<T> {
  if (source.format === "journald") return fromJournal(record, options, sink);
  return readLog(source.path, source.format === "local" ? localFormat : jsonFormat, options, sink);
}

async function* fromJournal<T>(
  record: ContainerRecord,
  options: ReadOptions,
  sink: EntrySink<T>,
): AsyncGenerator<T> {
  const { readJournal } = await import("./journal.ts");
  yield* readJournal(record.id, options, sink);
}

/** When following ends: the end of this run of the container, or the time asked for. */
function endOf(
  containers: Containers,
  record: ContainerRecord,
  until: bigint | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const stopped = containers.waiters.wait(record, "not-running", signal);
  stopped.catch(() => {}); // the client has gone: the reader sees its signal
  if (until === undefined) return stopped;
  const rest = Math.max(0, Number(until / 1_000_000n) - Date.now());
  return Promise.race([stopped, Bun.sleep(Math.min(rest, 2 ** 31 - 1))]);
}

/** Seconds since 1970 with a fraction, in nanoseconds; undefined for no limit. Errors: invalid, in Go's words. */
function parseTime(text: string | undefined): bigint | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  const time = parseEpoch(text);
  if (time !== undefined) return time;
  const point = text.indexOf(".");
  const wrong = point > 0 && /^[+-]?\d+$/.test(text.slice(0, point)) ? text.slice(point + 1) : text;
  throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(wrong)}: invalid syntax`);
}

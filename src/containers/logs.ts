// `docker logs`: what a container wrote so far, and on, from its json-file log.
import { conflict, invalid, systemError } from "../base/errors.ts";
import { type LogEntry, readLog } from "./log-files.ts";
import { isRunning } from "./status-text.ts";
import { parseEpoch, parseNanoseconds } from "./timestamps.ts";
import type { ContainerRecord, Containers, LogOptions, LogStream, OutputChunk } from "./types.ts";

/** Errors: invalid (no stream chosen, bad time), conflict (being removed), system (a driver that can't be read). */
export function openLogs(
  containers: Containers,
  record: ContainerRecord,
  options: LogOptions,
  signal: AbortSignal,
): LogStream {
  if (!options.stdout && !options.stderr) throw invalid("You must choose at least one stream");
  if (record.state.status === "removing" || record.state.status === "dead")
    throw conflict("can not get logs from container which is dead or marked for removal");
  if (!["json-file", "", undefined].includes(record.hostConfig.LogConfig?.Type))
    throw systemError("configured logging driver does not support reading");
  const range = { since: parseTime(options.since), until: parseTime(options.until) };
  const tail = /^\d+$/.test(options.tail) ? Number(options.tail) : -1;
  const follow =
    options.follow && isRunning(record.state) ? endOf(containers, record, range.until, signal) : undefined;
  const batches = readLog(record.logPath, { tail, signal, ...(follow && { follow }) });
  return { tty: record.config.Tty ?? false, chunks: toChunks(batches, options, range) };
}

/** When following ends: the container's end, or the time asked for. */
function endOf(
  containers: Containers,
  record: ContainerRecord,
  until: bigint | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const stopped = containers.waiters.wait(record, "not-running", signal);
  if (until === undefined) return stopped;
  const rest = Math.max(0, Number(until / 1_000_000n) - Date.now());
  return Promise.race([stopped, Bun.sleep(Math.min(rest, 2 ** 31 - 1))]);
}

/** Nanoseconds since the epoch; undefined for no limit. */
function parseTime(text: string | undefined): bigint | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  const time = parseEpoch(text) ?? parseNanoseconds(text);
  if (time === undefined) throw invalid(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return time;
}

async function* toChunks(
  batches: AsyncIterable<LogEntry[]>,
  options: LogOptions,
  range: { since: bigint | undefined; until: bigint | undefined },
): AsyncGenerator<OutputChunk> {
  const encoder = new TextEncoder();
  for await (const batch of batches) {
    let stream: OutputChunk["stream"] | undefined;
    let text = "";
    for (const entry of batch) {
      if (!options[entry.stream]) continue;
      const place = placeOf(entry, range);
      if (place === "before") continue;
      if (place === "after") {
        if (stream) yield { stream, data: encoder.encode(text) };
        return;
      }
      if (stream && stream !== entry.stream) {
        yield { stream, data: encoder.encode(text) };
        text = "";
      }
      stream = entry.stream;
      text += format(entry, options);
    }
    if (stream) yield { stream, data: encoder.encode(text) };
  }
}

function placeOf(
  entry: LogEntry,
  { since, until }: { since: bigint | undefined; until: bigint | undefined },
): "before" | "within" | "after" {
  if (since === undefined && until === undefined) return "within";
  const time = parseNanoseconds(entry.time) ?? 0n;
  if (since !== undefined && time < since) return "before";
  return until !== undefined && time > until ? "after" : "within";
}

/** `TIME ATTRIBUTES LINE`, each where it was asked for. */
function format(entry: LogEntry, { timestamps, details }: LogOptions): string {
  const attributes = details ? `${attributeText(entry.attrs ?? {})} ` : "";
  return `${timestamps ? `${fixedTime(entry.time)} ` : ""}${attributes}${entry.log}`;
}

const attributeText = (attributes: Record<string, string>): string =>
  Object.keys(attributes)
    .sort()
    .map((key) => `${queryEscape(key)}=${queryEscape(attributes[key] as string)}`)
    .join(",");

/** As Go's url.QueryEscape. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The fraction always with nine digits, so that columns stand one below the other. */
function fixedTime(time: string): string {
  const parts = /^(.{19})(?:\.(\d+))?(.*)$/.exec(time);
  return parts ? `${parts[1]}.${(parts[2] ?? "").padEnd(9, "0")}${parts[3]}` : time;
}

// A build's progress as JSON, an event a line, with the names that BuildKit's client gives to its fields (client/graph.go).
import { goJson } from "../../base/go-json.ts";
import type { BuildEvent, BuildWarning, Instant } from "../../sdk/index.ts";
import { instantText } from "../build-history/times.ts";
import type { Display } from "./display.ts";

export function rawJsonDisplay(write: (text: string) => void): Display {
  return {
    update: (event) => write(`${rawJson(event)}\n`),
    refresh() {},
    finish() {},
  };
}

const time = (instant: Instant | undefined) => (instant === undefined ? undefined : instantText(instant));

const base64 = (data: Uint8Array | string) => Buffer.from(data as never).toString("base64");
/** Go leaves out what is empty; JSON.stringify what is undefined. */
const filled = <T>(value: T): T | undefined =>
  value === "" || value === 0 || value === false || (Array.isArray(value) && value.length === 0)
    ? undefined
    : value;

/** One event in one line, as Go's encoder writes it. */
export function rawJson(event: BuildEvent): string {
  const vertexes = event.vertexes.map(
    ({ digest, inputs, name, started, completed, cached, error, group }) => ({
      digest: filled(digest),
      inputs: filled(inputs),
      name: filled(name),
      started: time(started),
      completed: time(completed),
      cached: filled(cached),
      error: filled(error),
      progressGroup: group && { id: filled(group.id), name: filled(group.name), weak: filled(group.weak) },
    }),
  );
  const statuses = event.statuses.map(
    ({ id, vertex, name, total, current, timestamp, started, completed }) => ({
      id,
      vertex: filled(vertex),
      name: filled(name),
      total: filled(total),
      current,
      timestamp: time(timestamp),
      started: time(started),
      completed: time(completed),
    }),
  );
  const logs = event.logs.map(({ vertex, stream, data, timestamp }) => ({
    vertex: filled(vertex),
    stream: filled(stream),
    data: base64(data),
    timestamp: time(timestamp),
  }));
  return goJson({
    vertexes: filled(vertexes),
    statuses: filled(statuses),
    logs: filled(logs),
    warnings: filled(event.warnings.map(rawWarning)),
  });
}

/** A warning as JSON has it; also what `--metadata-file` gets of it. */
export function rawWarning({ vertex, level, short, detail, url, source, ranges }: BuildWarning) {
  return {
    vertex: filled(vertex),
    level: filled(level),
    short: filled(base64(short)),
    detail: filled(detail.map(base64)),
    url: filled(url),
    sourceInfo: source && {
      filename: filled(source.filename),
      data: source.data.length > 0 ? base64(source.data) : undefined,
      language: filled(source.language),
    },
    range: filled(
      ranges.map(({ start, end }) => ({
        start: { line: filled(start?.line ?? 0), character: filled(start?.character ?? 0) },
        end: { line: filled(end?.line ?? 0), character: filled(end?.character ?? 0) },
      })),
    ),
  };
}

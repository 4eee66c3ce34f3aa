// The messages of a build (BuildKit's Control service), written and read by hand: the generated ones take longer to load than a
// build takes whose steps are all cached. Fields have the numbers of buildkit/messages/control.proto; those that nobody here
// wants are passed over.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type {
  BuildEvent,
  BuildLog,
  BuildStatus,
  BuildVertex,
  BuildWarning,
  Instant,
  SourceInfo,
} from "./types.ts";

export interface SolveOrder {
  ref: string;
  session: string;
  frontend: string;
  frontendAttrs: Readonly<Record<string, string>>;
  exporters: readonly TypedAttributes[];
  cacheExports: readonly TypedAttributes[];
  cacheImports: readonly TypedAttributes[];
  entitlements: readonly string[];
  internal: boolean;
}

/** An exporter, or a cache. */
interface TypedAttributes {
  type: string;
  attrs: Readonly<Record<string, string>>;
}

/** SolveRequest. Daemons before several exporters read the first one alone, from fields of its own. */
export function encodeSolve(order: SolveOrder): Uint8Array {
  const writer = new BinaryWriter();
  const [first] = order.exporters;
  text(writer, 1, order.ref);
  text(writer, 3, first?.type ?? "");
  attributes(writer, 4, first?.attrs ?? {});
  text(writer, 5, order.session);
  text(writer, 6, order.frontend);
  attributes(writer, 7, order.frontendAttrs);
  writer.tag(8, WireType.LengthDelimited).fork();
  for (const entry of order.cacheExports) typed(writer, 4, entry);
  for (const entry of order.cacheImports) typed(writer, 5, entry);
  writer.join();
  for (const entitlement of order.entitlements) writer.tag(9, WireType.LengthDelimited).string(entitlement);
  if (order.internal) writer.tag(11, WireType.Varint).bool(true);
  for (const exporter of order.exporters) typed(writer, 13, exporter);
  return writer.finish();
}

/** StatusRequest. */
export function encodeStatusRequest(ref: string): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, ref);
  return writer.finish();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== "") writer.tag(field, WireType.LengthDelimited).string(value);
}

function attributes(writer: BinaryWriter, field: number, map: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(map)) {
    writer.tag(field, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
}

function typed(writer: BinaryWriter, field: number, { type, attrs }: TypedAttributes): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  text(writer, 1, type);
  attributes(writer, 2, attrs);
  writer.join();
}

/** SolveResponse: what the exporters said. */
export function decodeSolveResponse(bytes: Uint8Array): Record<string, string> {
  const response: Record<string, string> = {};
  fields(new BinaryReader(bytes), bytes.length, { 1: (reader) => entry(reader, response) });
  return response;
}

/** ListWorkersResponse: the labels of each worker. */
export function decodeWorkerLabels(bytes: Uint8Array): { labels: Record<string, string> }[] {
  const workers: { labels: Record<string, string> }[] = [];
  fields(new BinaryReader(bytes), bytes.length, {
    1(reader) {
      const labels: Record<string, string> = {};
      message(reader, { 2: (inner) => entry(inner, labels) });
      workers.push({ labels });
    },
  });
  return workers;
}

/** StatusResponse. */
export function decodeStatus(bytes: Uint8Array): BuildEvent {
  const event: BuildEvent = { vertexes: [], statuses: [], logs: [], warnings: [] };
  fields(new BinaryReader(bytes), bytes.length, {
    1: (reader) => event.vertexes.push(vertex(reader)),
    2: (reader) => event.statuses.push(status(reader)),
    3: (reader) => event.logs.push(log(reader)),
    4: (reader) => event.warnings.push(warning(reader)),
  });
  return event;
}

type Fields = Readonly<Record<number, (reader: BinaryReader) => void>>;

function fields(reader: BinaryReader, end: number, known: Fields): void {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    const read = known[field];
    if (read) read(reader);
    else reader.skip(wireType, field);
  }
}

function message(reader: BinaryReader, known: Fields): void {
  const length = reader.uint32();
  fields(reader, reader.pos + length, known);
}

function entry(reader: BinaryReader, map: Record<string, string>): void {
  let [key, value] = ["", ""];
  message(reader, {
    1: (inner) => {
      key = inner.string();
    },
    2: (inner) => {
      value = inner.string();
    },
  });
  map[key] = value;
}

/** google.protobuf.Timestamp. */
function instant(reader: BinaryReader): Instant {
  let time = 0n;
  message(reader, {
    1: (inner) => {
      time += BigInt(inner.int64()) * 1_000_000_000n;
    },
    2: (inner) => {
      time += BigInt(inner.int32());
    },
  });
  return time;
}

const number = (reader: BinaryReader): number => Number(reader.int64());
const words = (reader: BinaryReader): string => Buffer.from(reader.bytes()).toString();

function vertex(reader: BinaryReader): BuildVertex {
  const vertex: BuildVertex = { digest: "", inputs: [], name: "", cached: false, error: "" };
  message(reader, {
    1: (r) => (vertex.digest = r.string()),
    2: (r) => vertex.inputs.push(r.string()),
    3: (r) => (vertex.name = r.string()),
    4: (r) => (vertex.cached = r.bool()),
    5: (r) => (vertex.started = instant(r)),
    6: (r) => (vertex.completed = instant(r)),
    7: (r) => (vertex.error = r.string()),
    8(r) {
      const group = { id: "", name: "", weak: false };
      message(r, {
        1: (inner) => (group.id = inner.string()),
        2: (inner) => (group.name = inner.string()),
        3: (inner) => (group.weak = inner.bool()),
      });
      vertex.group = group;
    },
  });
  return vertex;
}

function status(reader: BinaryReader): BuildStatus {
  const status: BuildStatus = { id: "", vertex: "", name: "", current: 0, total: 0, timestamp: 0n };
  message(reader, {
    1: (r) => (status.id = r.string()),
    2: (r) => (status.vertex = r.string()),
    3: (r) => (status.name = r.string()),
    4: (r) => (status.current = number(r)),
    5: (r) => (status.total = number(r)),
    6: (r) => (status.timestamp = instant(r)),
    7: (r) => (status.started = instant(r)),
    8: (r) => (status.completed = instant(r)),
  });
  return status;
}

function log(reader: BinaryReader): BuildLog {
  const log: BuildLog = { vertex: "", stream: 0, data: new Uint8Array(), timestamp: 0n };
  message(reader, {
    1: (r) => (log.vertex = r.string()),
    2: (r) => (log.timestamp = instant(r)),
    3: (r) => (log.stream = number(r)),
    4: (r) => (log.data = r.bytes()),
  });
  return log;
}

function warning(reader: BinaryReader): BuildWarning {
  const warning: BuildWarning = { vertex: "", level: 0, short: "", detail: [], url: "", ranges: [] };
  message(reader, {
    1: (r) => (warning.vertex = r.string()),
    2: (r) => (warning.level = number(r)),
    3: (r) => (warning.short = words(r)),
    4: (r) => warning.detail.push(words(r)),
    5: (r) => (warning.url = r.string()),
    6(r) {
      const source: SourceInfo = { filename: "", data: new Uint8Array(), language: "" };
      message(r, {
        1: (inner) => (source.filename = inner.string()),
        2: (inner) => (source.data = inner.bytes()),
        4: (inner) => (source.language = inner.string()),
      });
      warning.source = source;
    },
    7(r) {
      const range: BuildWarning["ranges"][number] = {};
      message(r, {
        1: (inner) => (range.start = position(inner)),
        2: (inner) => (range.end = position(inner)),
      });
      warning.ranges.push(range);
    },
  });
  return warning;
}

function position(reader: BinaryReader): { line: number; character: number } {
  const position = { line: 0, character: 0 };
  message(reader, {
    1: (r) => (position.line = r.int32()),
    2: (r) => (position.character = r.int32()),
  });
  return position;
}

// The daemon's status messages as events.
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { StatusResponse } from "../../buildkit/messages/control_pb.ts";
import type { BuildEvent, Instant } from "./types.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

export function instant(time: Timestamp | undefined): Instant | undefined {
  return time && time.seconds * 1_000_000_000n + BigInt(time.nanos);
}

export function eventOf(response: StatusResponse): BuildEvent {
  return {
    vertexes: response.vertexes.map(({ progressGroup, started, completed, ...vertex }) => ({
      digest: vertex.digest,
      inputs: vertex.inputs,
      name: vertex.name,
      cached: vertex.cached,
      error: vertex.error,
      started: instant(started),
      completed: instant(completed),
      ...(progressGroup && {
        group: { id: progressGroup.id, name: progressGroup.name, weak: progressGroup.weak },
      }),
    })),
    statuses: response.statuses.map(
      ({ id, vertex, name, current, total, timestamp, started, completed }) => ({
        id,
        vertex,
        name,
        current: Number(current),
        total: Number(total),
        timestamp: instant(timestamp) ?? 0n,
        started: instant(started),
        completed: instant(completed),
      }),
    ),
    logs: response.logs.map(({ vertex, stream, msg, timestamp }) => ({
      vertex,
      stream: Number(stream),
      data: msg,
      timestamp: instant(timestamp) ?? 0n,
    })),
    warnings: response.warnings.map(({ vertex, level, short, detail, url, info, ranges }) => ({
      vertex,
      level: Number(level),
      short: text(short),
      detail: detail.map(text),
      url,
      source: info,
      ranges,
    })),
  };
}

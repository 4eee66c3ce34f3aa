// Progress as BuildKit's Control/Status sends it.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  StatusResponseSchema,
  VertexLogSchema,
  VertexSchema,
  VertexStatusSchema,
  VertexWarningSchema,
} from "../../buildkit/messages/control_pb.ts";
import type { ProgressEvent, Time } from "../solver/progress.ts";

type Response = MessageInitShape<typeof StatusResponseSchema>;

/** Bytes of output in one message, so that none grows without bound. */
const LOT = 1 << 20;

export function* statusMessages(events: readonly ProgressEvent[]): Generator<Response> {
  let response = empty();
  let bytes = 0;
  for (const event of events) {
    switch (event.kind) {
      case "vertex":
        response.vertexes.push({
          digest: event.digest,
          inputs: event.inputs,
          name: event.name,
          cached: event.cached,
          error: event.error,
          ...(event.started !== undefined && { started: timestamp(event.started) }),
          ...(event.completed !== undefined && { completed: timestamp(event.completed) }),
          ...(event.group && { progressGroup: event.group }),
        });
        break;
      case "status":
        response.statuses.push({
          id: event.id,
          vertex: event.vertex,
          name: event.name,
          current: BigInt(Math.trunc(event.current)),
          total: BigInt(Math.trunc(event.total)),
          timestamp: timestamp(event.time),
          ...(event.started !== undefined && { started: timestamp(event.started) }),
          ...(event.completed !== undefined && { completed: timestamp(event.completed) }),
        });
        break;
      case "log":
        response.logs.push({
          vertex: event.vertex,
          timestamp: timestamp(event.time),
          stream: BigInt(event.stream),
          msg: event.data,
        });
        bytes += event.data.length;
        break;
      case "warning":
        response.warnings.push({
          vertex: event.vertex,
          level: BigInt(event.level),
          short: Buffer.from(event.short),
          detail: event.detail.map((line) => Buffer.from(line)),
          url: event.url,
          ...(event.source && { info: event.source }),
          ranges: event.ranges.map(({ start, end }) => ({ start: { line: start }, end: { line: end } })),
        });
    }
    if (bytes > LOT) {
      yield response;
      response = empty();
      bytes = 0;
    }
  }
  yield response;
}

const empty = () => ({
  vertexes: [] as MessageInitShape<typeof VertexSchema>[],
  statuses: [] as MessageInitShape<typeof VertexStatusSchema>[],
  logs: [] as MessageInitShape<typeof VertexLogSchema>[],
  warnings: [] as MessageInitShape<typeof VertexWarningSchema>[],
});

/** google.protobuf.Timestamp of milliseconds. */
export function timestamp(time: Time): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(time / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((time - seconds * 1000) * 1e6) % 1e9 };
}

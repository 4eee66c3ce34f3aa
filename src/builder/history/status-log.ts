// What a build said, as a blob: its status messages, each behind its length in four bytes, the lowest first
// (BuildKit, solver/llbsolver/history.go: `application/vnd.buildkit.status.v0`).
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { invalid } from "../../base/errors.ts";
import { type StatusResponse, StatusResponseSchema } from "../../buildkit/messages/control_pb.ts";
import { statusMessages } from "../control/status-messages.ts";
import type { ProgressEvent } from "../solver/progress.ts";

export const STATUS_LOG = "application/vnd.buildkit.status.v0";

const HEAD = 4;

export function encodeStatusLog(events: readonly ProgressEvent[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const message of statusMessages(events)) {
    const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, message));
    const head = Buffer.alloc(HEAD);
    head.writeUInt32LE(bytes.length);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** Errors: invalid, for a blob that ends within a message. */
export function* decodeStatusLog(bytes: Uint8Array): Generator<StatusResponse> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < view.length; ) {
    const end = at + HEAD <= view.length ? at + HEAD + view.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > view.length) throw invalid("the build's log ends within a message");
    yield fromBinary(StatusResponseSchema, view.subarray(at + HEAD, end));
    at = end;
  }
}

export interface StepCounts {
  total: number;
  completed: number;
  cached: number;
  warnings: number;
}

export function countSteps(events: readonly ProgressEvent[]): StepCounts {
  const steps = new Map<string, { completed: boolean; cached: boolean }>();
  let warnings = 0;
  for (const event of events) {
    if (event.kind === "warning") warnings++;
    if (event.kind !== "vertex") continue;
    const known = steps.get(event.digest) ?? { completed: false, cached: false };
    steps.set(event.digest, {
      completed: known.completed || event.completed !== undefined,
      cached: known.cached || event.cached,
    });
  }
  const all = [...steps.values()];
  return {
    total: all.length,
    completed: all.filter(({ completed }) => completed).length,
    cached: all.filter(({ cached }) => cached).length,
    warnings,
  };
}

// The text that a failure's place is shown in, as much as fits into a trailer: Bun's HTTP/2 sends no header of more than
// 64 KiB (the connection stops instead), and an error's details are one header, in base64.
import { create } from "@bufbuild/protobuf";
import { type Source, SourceSchema } from "../../buildkit/messages/errors_pb.ts";
import type { SourceInfo } from "../../buildkit/messages/ops_pb.ts";

/** Bytes of all details together, and of a message as gRPC sends it, that leave room for the rest. */
const DETAILS_LIMIT = 40 << 10;
const MESSAGE_LIMIT = 48 << 10;
/** Characters of a cut message: each may be nine bytes, percent-encoded. */
const [KEPT_BEFORE, KEPT_AFTER] = [4000, 1000];
/** More lines around the place than any client shows. */
const AROUND = 8;
const SHORTEST_CUT = 64;

interface Place {
  info: SourceInfo;
  ranges: readonly { start?: { line: number }; end?: { line: number } }[];
}

/** The places with their source. Where all of it is too much, lines far away are empty and long ones cut, so that numbers stay true. */
export function fittingSources(places: readonly Place[]): Source[] {
  const each = Math.floor(DETAILS_LIMIT / Math.max(places.length, 1));
  return places.map((place) =>
    create(SourceSchema, {
      info: place.info.data.length <= each ? place.info : { ...place.info, data: nearLines(place, each) },
      ranges: place.ranges as Source["ranges"],
    }),
  );
}

/** A step's whole script is in its message, and what came of it at the end: so what is too long is cut in its middle. */
export function fittingMessage(message: string): string {
  const whole = message.toWellFormed();
  if (encodeURIComponent(whole).length <= MESSAGE_LIMIT) return whole;
  return `${message.slice(0, KEPT_BEFORE)} … ${message.slice(-KEPT_AFTER)}`.toWellFormed();
}

function nearLines({ info, ranges }: Place, limit: number): Uint8Array {
  const lines = Buffer.from(info.data).toString("latin1").split("\n");
  const near = new Set<number>();
  for (const { start, end } of ranges) {
    const [first, last] = [start?.line ?? 1, Math.max(end?.line ?? 0, start?.line ?? 1)];
    for (let line = first - AROUND; line <= last + AROUND && near.size < limit / SHORTEST_CUT; line++)
      if (line >= 1 && line <= lines.length) near.add(line);
  }
  const last = Math.max(0, ...near);
  const room = Math.max(SHORTEST_CUT, Math.floor((limit - last) / Math.max(near.size, 1)));
  const text = lines.slice(0, last).map((line, at) => (near.has(at + 1) ? line.slice(0, room) : ""));
  // A file of more empty lines than fit has no place that can be shown.
  return last > limit / 2 ? new Uint8Array() : Buffer.from(text.join("\n"), "latin1");
}

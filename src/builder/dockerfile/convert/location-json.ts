// Places in a source file as Go writes pb.Location into JSON: what is 0 is left out.
import { type Lines, rangesOf, type SourceRange } from "../source.ts";

export interface LocationJson {
  readonly ranges?: readonly { readonly start: PositionJson; readonly end: PositionJson }[];
}

interface PositionJson {
  readonly line?: number;
  readonly character?: number;
}

export const locationOf = (places: readonly Lines[]): LocationJson => rangesJson(places.flatMap(rangesOf));

export function rangesJson(ranges: readonly SourceRange[]): LocationJson {
  if (ranges.length === 0) return {};
  return { ranges: ranges.map(({ start, end }) => ({ start: position(start), end: position(end) })) };
}

const position = ({ line, character }: SourceRange["start"]): PositionJson => ({
  ...(line !== 0 && { line }),
  ...(character !== 0 && { character }),
});

// What is wrong with a bake file, and where: in the form of HCL's diagnostics.
import type { Range } from "./types.ts";

export class HclError extends Error {
  constructor(
    readonly summary: string,
    readonly detail: string,
    readonly range: Range,
  ) {
    super(`${placeOf(range)}: ${summary}; ${detail}`);
  }
}

function placeOf({ file, start, end }: Range): string {
  return start.line === end.line
    ? `${file}:${start.line},${start.column}-${end.column}`
    : `${file}:${start.line},${start.column}-${end.line},${end.column}`;
}

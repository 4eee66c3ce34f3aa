// `type=local,dest=out`: the form of buildx's flags that have parts.
import { parseCsvLine } from "../framework/csv.ts";
import { cut } from "../framework/flags.ts";

export type KeyValue = [key: string, value: string];

/** The parts of a value. A part without a `=` throws what `problem` makes of it. */
export function keyValues(
  text: string,
  problem: (field: string) => string = (field) => `invalid value ${field}`,
): KeyValue[] {
  return parseCsvLine(text).map((field) => {
    const [key, value] = cut(field, "=");
    if (value === undefined) throw new Error(problem(field));
    return [key, value];
  });
}

/** A value as it is written back: quoted where it has the separator in it. */
export function csvOf(pairs: KeyValue[]): string {
  return pairs
    .map(([key, value]) => `${key}=${value}`)
    .map((pair) => (/[",]/.test(pair) ? `"${pair.replaceAll('"', '""')}"` : pair))
    .join(",");
}

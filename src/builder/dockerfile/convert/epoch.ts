// SOURCE_DATE_EPOCH: the time that a reproducible build gives to what it makes.
import { invalid } from "../../../base/errors.ts";
import { quote } from "../go-text.ts";
import type { Values } from "../plan/index.ts";

export interface Epoch {
  /** Since 1970. */
  readonly seconds: number;
  /** RFC 3339. */
  readonly text: string;
}

const FURTHEST = 8.64e12;

/** Of the build arguments, or of an ARG before the first FROM; undefined: none. Errors: invalid. */
export function epochOf(buildArgs: Values, globals: Values): Epoch | undefined {
  const text = buildArgs.get("SOURCE_DATE_EPOCH") ?? globals.get("SOURCE_DATE_EPOCH") ?? "";
  if (text === "") return undefined;
  const seconds = Number(text);
  const isNumber = /^[+-]?\d+$/.test(text);
  if (!isNumber || Math.abs(seconds) > FURTHEST) {
    const problem = `strconv.ParseInt: parsing ${quote(text)}: ${isNumber ? "value out of range" : "invalid syntax"}`;
    // Twice, as BuildKit says it.
    throw invalid(`invalid source-date-epoch: ${problem}: ${problem}`);
  }
  return { seconds, text: new Date(seconds * 1000).toISOString().replace(".000Z", "Z") };
}

// SOURCE_DATE_EPOCH: the time that a reproducible build gives to what it makes.
import { invalid } from "../../../base/errors.ts";
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
  if (!/^[+-]?\d+$/.test(text) || Math.abs(seconds) > FURTHEST)
    throw invalid(`invalid SOURCE_DATE_EPOCH: ${text}`);
  return { seconds, text: new Date(seconds * 1000).toISOString().replace(".000Z", "Z") };
}

// Functions on numbers and truths.
import type { HclFunction } from "../evaluate.ts";
import type { Value } from "../types.ts";
import { equal, toNumber, toText, toTruth } from "../values.ts";

const one =
  (work: (x: number) => number): HclFunction =>
  (x) =>
    work(toNumber(x ?? null));
const two =
  (work: (x: number, y: number) => Value): HclFunction =>
  (x, y) =>
    work(toNumber(x ?? null), toNumber(y ?? null));

function divide(x: number, y: number): number {
  if (y === 0) throw new Error("division by zero");
  return x / y;
}

function parseInteger(text: Value | undefined, base: Value | undefined): number {
  const [digits, radix] = [toText(text ?? null), toNumber(base ?? 10)];
  const value = Number.parseInt(digits, radix);
  if (Number.isNaN(value) || !/^-?[0-9a-z]+$/i.test(digits))
    throw new Error(`cannot parse ${JSON.stringify(digits)} as a base ${radix} integer`);
  return value;
}

export const numbers: Record<string, HclFunction> = {
  absolute: one(Math.abs),
  add: two((x, y) => x + y),
  and: (a, b) => toTruth(a ?? null) && toTruth(b ?? null),
  ceil: one(Math.ceil),
  divide: two(divide),
  equal: (a, b) => equal(a ?? null, b ?? null),
  floor: one(Math.floor),
  greaterthan: two((x, y) => x > y),
  greaterthanorequalto: two((x, y) => x >= y),
  int: one(Math.trunc),
  lessthan: two((x, y) => x < y),
  lessthanorequalto: two((x, y) => x <= y),
  log: two((x, base) => Math.log(x) / Math.log(base)),
  max: (...all) => Math.max(...all.map(toNumber)),
  min: (...all) => Math.min(...all.map(toNumber)),
  modulo: two((x, y) => x - y * Math.trunc(divide(x, y))),
  multiply: two((x, y) => x * y),
  negate: one((x) => -x),
  not: (a) => !toTruth(a ?? null),
  notequal: (a, b) => !equal(a ?? null, b ?? null),
  or: (a, b) => toTruth(a ?? null) || toTruth(b ?? null),
  parseint: parseInteger,
  pow: two((x, y) => x ** y),
  signum: one(Math.sign),
  subtract: two((x, y) => x - y),
};

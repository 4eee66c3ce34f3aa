// Values of HCL and what they become where another kind is wanted (zclconf/go-cty's conversions).
import { goJson } from "../../../base/go-json.ts";
import type { Value, ValueMap } from "./types.ts";

export const isMap = (value: Value): value is ValueMap => value instanceof Map;

/** How HCL's messages call it. */
export function kindOf(value: Value): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "tuple";
  if (isMap(value)) return "object";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Throws an Error whose message says what would be needed. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberText(value);
  throw new Error("string required");
}

/** Without an exponent, as large numbers stand in arguments and tags. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  const text = String(value);
  if (!text.includes("e")) return text;
  return Number.isInteger(value) ? BigInt(value).toString() : value.toFixed(20).replace(/0+$/, "");
}

export function toNumber(value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) return Number(value);
  throw new Error("a number is required");
}

export function toTruth(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new Error("a bool is required");
}

export function toList(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  throw new Error("list required");
}

export function toMap(value: Value): ValueMap {
  if (isMap(value)) return value;
  throw new Error("map required");
}

/** In the order of their keys, in which HCL walks over maps. */
export function entriesOf(map: ValueMap): [string, Value][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** What a `for` or a splat walks over. */
export function pairsOf(value: Value): [Value, Value][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (isMap(value)) return entriesOf(value);
  throw new Error(`a ${kindOf(value)} is no collection`);
}

export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equal(item, b[index] ?? null));
  if (isMap(a ?? "") && isMap(b ?? "")) {
    const [left, right] = [a as ValueMap, b as ValueMap];
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && equal(item, right.get(key) ?? null))
    );
  }
  return a === b;
}

export const toJson = (value: Value): string => goJson(plain(value));

export function plain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map)
    return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

export function fromJson(value: unknown): Value {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
  return value as string | number | boolean | null;
}

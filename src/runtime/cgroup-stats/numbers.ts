// The kernel's numbers, from text: whole, however large.
import type { Count } from "./types.ts";

/** 2^64-1: what v2's `max` stands for. */
export const UNLIMITED = 2n ** 64n - 1n;

/** A decimal number; `max` is UNLIMITED. undefined: no such file, or no number in it. */
export function count(text: string | undefined): Count | undefined {
  const trimmed = text?.trim() ?? "";
  if (trimmed === "max") return UNLIMITED;
  if (!/^\d+$/.test(trimmed)) return undefined;
  const number = Number(trimmed);
  return Number.isSafeInteger(number) ? number : BigInt(trimmed);
}

/** Lines of `name number`. */
export function counts(text: string | undefined): Map<string, Count> {
  const found = new Map<string, Count>();
  for (const line of text?.split("\n") ?? []) {
    const space = line.indexOf(" ");
    const value = space > 0 ? count(line.slice(space + 1)) : undefined;
    if (value !== undefined) found.set(line.slice(0, space), value);
  }
  return found;
}

/** A product, exact where it is past 2^53. */
export function times(value: Count, factor: number): Count {
  const product = Number(value) * factor;
  return Number.isSafeInteger(product) ? product : BigInt(value) * BigInt(factor);
}

/** Fields that are absent where they are 0, as Go's `omitempty` has them. */
export function withoutZeros<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

// JSON with 64-bit numbers kept whole: an unlimited rlimit is 2^64-1, which a JavaScript number can't hold.

/** A reviver for JSON.parse: integers past 2^53 become a bigint. */
export function exactNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !context?.source) return value;
  return /^\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/** JSON.stringify that writes a bigint as the number it is. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === "bigint" ? JSON.rawJSON(part.toString()) : part,
  );
}

declare global {
  interface JSON {
    /** ECMAScript's "JSON.parse source text access" proposal; Bun has it. */
    rawJSON(text: string): unknown;
  }
}

// What a worker tells the daemon at its end: one line of JSON.
import { BerthError, type ErrorKind, messageOf } from "../../base/errors.ts";

export type Report<T> = { ok: T } | { error: { kind: ErrorKind; message: string } };

export function errorReport(thrown: unknown): Report<never> {
  const kind = thrown instanceof BerthError ? thrown.kind : "system";
  return { error: { kind, message: messageOf(thrown) } };
}

const KINDS: ErrorKind[] = [
  "invalid",
  "unauthorized",
  "forbidden",
  "not-found",
  "conflict",
  "unavailable",
  "not-implemented",
  "system",
];

/** Reads a worker's line; undefined when there is none, as after a kill. */
export function parseReport<T>(text: string): Report<T> | undefined {
  let report: unknown;
  try {
    report = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
  if (typeof report !== "object" || report === null) return undefined;
  if ("ok" in report) return report as Report<T>;
  const error = (report as { error?: { kind?: unknown; message?: unknown } }).error;
  if (!error || typeof error.message !== "string") return undefined;
  const kind = KINDS.find((known) => known === error.kind) ?? "system";
  return { error: { kind, message: error.message } };
}

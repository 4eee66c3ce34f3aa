// The errors that rooms throw for people: one of a few kinds, each with one HTTP status.
// A message says what was asked, what stood in the way and, where there is one, the way out; where outside
// clients match on a text, it is Docker's own.

export type ErrorKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "unavailable"
  | "not-implemented"
  | "system";

/** HTTP status of each kind, as moby's errdefs maps its own (daemon/server/httpstatus). */
export const STATUS_OF_KIND: Record<ErrorKind, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  unavailable: 503,
  "not-implemented": 501,
  system: 500,
};

export class BerthError extends Error {
  override readonly name = "BerthError";
  constructor(
    readonly kind: ErrorKind,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
  get status(): number {
    return STATUS_OF_KIND[this.kind];
  }
}

export const invalid = (message: string, cause?: unknown) => new BerthError("invalid", message, { cause });
export const unauthorized = (message: string, cause?: unknown) =>
  new BerthError("unauthorized", message, { cause });
export const forbidden = (message: string, cause?: unknown) =>
  new BerthError("forbidden", message, { cause });
export const notFound = (message: string, cause?: unknown) => new BerthError("not-found", message, { cause });
export const conflict = (message: string, cause?: unknown) => new BerthError("conflict", message, { cause });
export const unavailable = (message: string, cause?: unknown) =>
  new BerthError("unavailable", message, { cause });
export const notImplemented = (message: string) => new BerthError("not-implemented", message);
export const systemError = (message: string, cause?: unknown) => new BerthError("system", message, { cause });

/** What went wrong first, where its undoing (`await using`) failed too: a SuppressedError says neither. */
export function firstThrown(thrown: unknown): unknown {
  return thrown instanceof SuppressedError ? firstThrown(thrown.suppressed) : thrown;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  const first = firstThrown(thrown);
  return first instanceof Error ? first.message : String(first);
}

/** True when the error, or one that caused it, is of the kind. */
export function isKind(thrown: unknown, kind: ErrorKind): boolean {
  const first = firstThrown(thrown);
  return first instanceof BerthError && first.kind === kind;
}

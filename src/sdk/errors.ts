// What the client throws: the daemon's own answer, or that there was none.

/** Why a call failed: the daemon refused it, nobody answered, or the answer made no sense. */
export type SdkErrorKind = "daemon" | "unreachable" | "protocol" | "timeout";

/**
 * A failed call. `status` is the HTTP status (0 where no answer came), `message` the daemon's own words.
 *
 * @example
 * try { await client.containers.inspect("web"); }
 * catch (error) { if (error instanceof SdkError && error.status === 404) console.log("no such container"); }
 */
export class SdkError extends Error {
  override readonly name = "SdkError";
  constructor(
    readonly kind: SdkErrorKind,
    message: string,
    readonly status = 0,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** True for the daemon's "no such …" (404). */
export const isNotFound = (thrown: unknown): thrown is SdkError =>
  thrown instanceof SdkError && thrown.status === 404;

/** True for a conflict with what is there: a name in use, a container that runs (409). */
export const isConflict = (thrown: unknown): thrown is SdkError =>
  thrown instanceof SdkError && thrown.status === 409;

/** The daemon's message from the body of a failed answer: `{"message": …}`, or the text as it is. */
export function messageOfBody(body: string, status: number): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed && "message" in parsed && typeof parsed.message === "string") {
      return parsed.message.trimEnd();
    }
  } catch {
    // Not JSON: a proxy's or a very old daemon's plain text.
  }
  return body.trim() || `request returned status ${status} without a message`;
}

// A registry's refusals (distribution-spec, "Error Codes") in the words and kinds that dockerd gives them.
import { BerthError, type ErrorKind, systemError } from "../base/errors.ts";

/** What a registry said no with. */
export class RegistryError extends BerthError {
  constructor(
    kind: ErrorKind,
    message: string,
    readonly httpStatus: number,
  ) {
    super(kind, message);
  }
}

const KINDS: Record<string, ErrorKind> = {
  UNSUPPORTED: "not-implemented",
  UNAUTHORIZED: "unauthorized",
  DENIED: "forbidden",
  UNAVAILABLE: "unavailable",
  TOOMANYREQUESTS: "unavailable",
};

interface WireError {
  code: string;
  message: string;
  detail?: string;
}

/** The `errors` of a body, as far as it has any. */
function parseErrors(body: Uint8Array): WireError[] {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    const list = (parsed as { errors?: unknown }).errors;
    if (!Array.isArray(list)) {
      const details = (parsed as { details?: unknown }).details;
      return typeof details === "string" ? [{ code: "", message: details }] : [];
    }
    return list.map((entry: Record<string, unknown>) => ({
      code: String(entry?.code ?? ""),
      message: String(entry?.message ?? ""),
      ...(typeof entry?.detail === "string" && { detail: entry.detail }),
    }));
  } catch {
    return [];
  }
}

/** The error for an answer that is none of those the caller knows what to do with. */
export function refusal(method: string, url: string, status: number, body: Uint8Array): RegistryError {
  const errors = parseErrors(body);
  const byStatus: ErrorKind =
    status === 404
      ? "not-found"
      : status === 401
        ? "unauthorized"
        : status === 403
          ? "forbidden"
          : status === 429 || status === 503
            ? "unavailable"
            : "system";
  if (errors.length === 0)
    return new RegistryError(
      byStatus,
      `unexpected status from ${method} request to ${url}: ${status} ${statusText(status)}`,
      status,
    );
  const words = errors.map((e) =>
    e.detail ? `${e.message} - ${e.detail}` : e.message || e.code.toLowerCase(),
  );
  return new RegistryError(
    KINDS[errors[0]?.code ?? ""] ?? byStatus,
    `error from registry: ${words.join("\n")}`,
    status,
  );
}

const TEXTS: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Request Entity Too Large",
  416: "Requested Range Not Satisfiable",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
export const statusText = (status: number): string => TEXTS[status] ?? "";

/** Content that is not what its digest says: never retried, never kept. */
export const wrongContent = (message: string): BerthError => systemError(message);

// gRPC's status, with the details that BuildKit's daemon adds (errdefs), as a BuildError. Its details are JSON, said by
// their type: `errdefs.Source+json` (containerd/typeurl for types that register so).
import { ConnectError } from "@connectrpc/connect";
import { BuildError } from "./build-error.ts";
import type { ErrorSource } from "./types.ts";

/** What a call threw as a BuildError; other errors as they are. `what` goes before the message. */
export function buildError(thrown: unknown, what?: string): unknown {
  if (!(thrown instanceof ConnectError)) return thrown;
  const message = what ? `${what}: ${thrown.rawMessage}` : thrown.rawMessage;
  const vertex = detailsOf(thrown, "errdefs.Vertex").at(-1) as { digest?: string } | undefined;
  const sources = detailsOf(thrown, "errdefs.Source").map((source) => errorSource(source as WireSource));
  return new BuildError(message, thrown.code, sources, vertex?.digest, { cause: thrown });
}

function detailsOf({ details }: ConnectError, type: string): unknown[] {
  return details.flatMap((detail) => {
    if (!("type" in detail) || detail.type !== `${type}+json`) return [];
    try {
      return [JSON.parse(Buffer.from(detail.value).toString()) as unknown];
    } catch {
      return []; // A detail that makes no sense doesn't hide the error
    }
  });
}

interface WireSource {
  info?: { filename?: string; data?: string };
  ranges?: Array<{ start?: { line?: number }; end?: { line?: number } }>;
}

function errorSource({ info, ranges = [] }: WireSource): ErrorSource {
  return {
    file: info?.filename ?? "",
    text: Buffer.from(info?.data ?? "", "base64").toString(),
    ranges: ranges.map(({ start, end }) => {
      const first = start?.line ?? 0;
      return { start: first, end: Math.max(first, end?.line ?? 0) };
    }),
  };
}

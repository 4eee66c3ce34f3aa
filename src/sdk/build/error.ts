// Why a build failed: gRPC's status with the details that BuildKit's daemon adds (errdefs).
import { ConnectError } from "@connectrpc/connect";
import { type Source, SourceSchema, VertexSchema } from "../../buildkit/messages/errors_pb.ts";
import { SdkError } from "../errors.ts";
import type { ErrorSource } from "./types.ts";

/** A failed build. `message` is the daemon's, `code` gRPC's (1 canceled, 5 not found, 13 internal …). */
export class BuildError extends SdkError {
  constructor(
    message: string,
    readonly code: number,
    /** Where in the Dockerfile it is, the innermost first. */
    readonly sources: ErrorSource[] = [],
    /** The digest of the step that failed. */
    readonly vertex?: string,
    options: { cause?: unknown } = {},
  ) {
    super("daemon", message, 0, options);
  }
}

/** gRPC's code for a call that was given up. */
export const CANCELED = 1;

/** What a call threw as a BuildError; other errors as they are. `what` goes before the message. */
export function buildError(thrown: unknown, what?: string): unknown {
  if (!(thrown instanceof ConnectError)) return thrown;
  const message = what ? `${what}: ${thrown.rawMessage}` : thrown.rawMessage;
  const vertex = thrown.findDetails(VertexSchema).at(-1)?.digest;
  const sources = thrown.findDetails(SourceSchema).map(errorSource);
  return new BuildError(message, thrown.code, sources, vertex, { cause: thrown });
}

export function errorSource({ info, ranges }: Source): ErrorSource {
  return {
    file: info?.filename ?? "",
    text: info ? Buffer.from(info.data).toString() : "",
    ranges: ranges.map(({ start, end }) => {
      const first = start?.line ?? 0;
      return { start: first, end: Math.max(first, end?.line ?? 0) };
    }),
  };
}

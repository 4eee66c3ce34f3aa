// gRPC's status, with the details that BuildKit's daemon adds (errdefs), as a BuildError. Its details are JSON from
// Docker, said by their type, `errdefs.Source+json` (containerd/typeurl for types that register so), and messages from us.
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { GrpcError } from "../../buildkit/calls/index.ts";
import { type Source, SourceSchema, VertexSchema } from "../../buildkit/messages/errors_pb.ts";
import { StatusSchema } from "../../buildkit/messages/status_pb.ts";
import { BuildError } from "./build-error.ts";
import type { ErrorSource } from "./types.ts";

/** What a call threw as a BuildError; other errors as they are. `what` goes before the message. */
export function buildError(thrown: unknown, what?: string): unknown {
  if (thrown instanceof GrpcError) return buildError(withDetails(thrown), what);
  if (!(thrown instanceof ConnectError)) return thrown;
  const message = what ? `${what}: ${thrown.rawMessage}` : thrown.rawMessage;
  const vertex = detailsOf(thrown, VertexSchema).at(-1);
  const sources = detailsOf(thrown, SourceSchema).map(errorSource);
  return new BuildError(message, thrown.code, sources, vertex?.digest, { cause: thrown });
}

/** As the generated services' clients throw it. */
function withDetails({ code, rawMessage, details }: GrpcError): ConnectError {
  const error = new ConnectError(rawMessage, code);
  if (details === undefined) return error;
  const status = fromBinary(StatusSchema, Buffer.from(details, "base64"));
  error.details = status.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value: new Uint8Array(value),
  }));
  return error;
}

function detailsOf<T extends DescMessage>(thrown: ConnectError, schema: T): MessageShape<T>[] {
  const encoded = thrown.findDetails(schema);
  if (encoded.length > 0) return encoded;
  return thrown.details.flatMap((detail) => {
    if (!("type" in detail) || detail.type !== `${schema.typeName}+json`) return [];
    try {
      const json = JSON.parse(Buffer.from(detail.value).toString()) as JsonValue;
      return [fromJson(schema, json, { ignoreUnknownFields: true })];
    } catch {
      return []; // A detail that makes no sense doesn't hide the error
    }
  });
}

const errorSource = ({ info, ranges }: Source): ErrorSource => ({
  file: info?.filename ?? "",
  text: Buffer.from(info?.data ?? []).toString(),
  ranges: ranges.map(({ start, end }) => {
    const first = start?.line ?? 0;
    return { start: first, end: Math.max(first, end?.line ?? 0) };
  }),
});

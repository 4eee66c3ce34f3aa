// A failed build as gRPC's status: its code, its words, and which vertex and which lines it comes from.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BerthError, type ErrorKind, firstThrown, messageOf } from "../../base/errors.ts";
import { GrpcError } from "../../buildkit/calls/index.ts";
import { SourceSchema, VertexSchema } from "../../buildkit/messages/errors_pb.ts";
import { LocatedError } from "../dockerfile/convert/located-error.ts";
import { VertexError } from "../solver/errors.ts";
import type { Vertex } from "../solver/graph.ts";
import { fittingMessage, fittingSources } from "./fitting-source.ts";

/** BuildKit tells nearly all as UNKNOWN, and clients print any other code before the words (`NotFound: …`). */
const CODES: Partial<Record<ErrorKind, Code>> = { "not-implemented": Code.Unimplemented };

export function toConnectError(thrown: unknown): ConnectError {
  const first = firstThrown(thrown);
  if (first instanceof ConnectError) return first;
  if (first instanceof GrpcError)
    return new ConnectError(first.rawMessage, first.code, undefined, undefined, first);
  if (first instanceof VertexError) {
    const inner = firstThrown(first.cause);
    const details = [
      { desc: VertexSchema, value: create(VertexSchema, { digest: first.vertex.digest }) },
      ...detailsOf(placesOf(first.vertex)),
    ];
    return new ConnectError(fittingMessage(first.message), codeOf(inner), undefined, details, inner);
  }
  const places =
    first instanceof LocatedError ? first.places.map((ranges) => ({ info: first.source, ranges })) : [];
  return new ConnectError(
    fittingMessage(messageOf(first)),
    codeOf(first),
    undefined,
    detailsOf(places),
    first,
  );
}

const detailsOf = (places: Parameters<typeof fittingSources>[0]) =>
  fittingSources(places).map((value) => ({ desc: SourceSchema, value }));

const codeOf = (thrown: unknown): Code => {
  if (thrown instanceof BerthError) return CODES[thrown.kind] ?? Code.Unknown;
  if (thrown instanceof ConnectError || thrown instanceof GrpcError) return thrown.code;
  return thrown instanceof DOMException && thrown.name === "AbortError" ? Code.Canceled : Code.Unknown;
};

function placesOf({ source, digest }: Vertex) {
  return (source?.locations[digest]?.locations ?? []).flatMap(({ sourceIndex, ranges }) => {
    const info = source?.infos[sourceIndex];
    return info ? [{ info, ranges }] : [];
  });
}

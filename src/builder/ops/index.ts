// How each kind of operation is done.
import { notImplemented } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Operation, Source } from "../solver/operation.ts";
import { gitSource } from "../sources/git.ts";
import { httpSource } from "../sources/http.ts";
import { imageSource } from "../sources/image.ts";
import { layoutSource } from "../sources/layout.ts";
import { localSource } from "../sources/local.ts";
import { UPLOAD_SCHEME, uploadSource } from "../sources/upload.ts";
import { buildStep } from "./build.ts";
import { diffStep } from "./diff.ts";
import type { OperationEnvironment } from "./environment.ts";
import { execStep } from "./exec.ts";
import { fileStep } from "./file.ts";
import { mergeStep } from "./merge.ts";

/** Errors: not-implemented, for an operation that isn't built. */
export function operationOf(vertex: Vertex, environment: OperationEnvironment): Operation {
  const { op } = vertex.op;
  switch (op.case) {
    case "exec":
      return execStep(vertex, op.value, environment);
    case "file":
      return fileStep(vertex, op.value, environment);
    case "merge":
      return mergeStep(vertex, op.value, environment);
    case "diff":
      return diffStep(vertex, op.value, environment);
    case "build":
      return buildStep(vertex, op.value, environment);
    case "source":
      return sourceOf(vertex, op.value, environment);
    default:
      throw notImplemented(`the LLB operation "${op.case ?? "unknown"}" is not implemented in Berth`);
  }
}

function sourceOf(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const scheme = op.identifier.slice(0, op.identifier.indexOf("://"));
  switch (scheme) {
    case "docker-image":
      return imageSource(vertex, op, environment);
    case "oci-layout":
      return layoutSource(vertex, op, environment);
    case "local":
      return localSource(vertex, op, environment);
    case "git":
      return gitSource(vertex, op, environment);
    case UPLOAD_SCHEME:
      return uploadSource(vertex, op, environment);
    case "http":
    case "https":
      return httpSource(vertex, op, environment);
    default:
      throw notImplemented(`sources of the form ${scheme}:// are not implemented in Berth`);
  }
}

// `git://…`: not built yet.
import { notImplemented } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";

/** Errors: not-implemented, when it is opened. */
export function gitSource(_vertex: Vertex, op: SourceOp, _environment: OperationEnvironment): Source {
  return {
    kind: "source",
    async open() {
      throw notImplemented(`git sources are not implemented in Berth: ${op.identifier}`);
    },
  };
}

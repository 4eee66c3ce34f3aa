// BuildOp: a graph that an earlier step wrote into a file, solved as a part of the same build.
import { fromBinary } from "@bufbuild/protobuf";
import { invalid, messageOf } from "../../base/errors.ts";
import { type BuildOp, type Definition, DefinitionSchema } from "../../buildkit/messages/ops_pb.ts";
import { withFolder } from "../../linux/files.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { Vertex } from "../solver/graph.ts";
import { operationDigest } from "../solver/keys.ts";
import type { RunContext, Step } from "../solver/operation.ts";
import { readIn } from "../solver/read-tree.ts";
import type { OperationEnvironment } from "./environment.ts";

/** Which of the inputs has the file (solver/pb: LLBDefinitionInput), and the file's name unless it is given. */
const DEFINITION = "buildkit.llb.definition";
const DEFAULT_FILE = "buildkit.llb.definition";
/** pb.LLBBuilder */
const LLB_BUILDER = -1n;

export function buildStep(vertex: Vertex, op: BuildOp, environment: OperationEnvironment): Step {
  return {
    kind: "step",
    operation: `build ${operationDigest(vertex.op)}`,
    selectors: new Map(),
    run: async (context) => [await build(op, environment, context)],
  };
}

/** Errors: invalid for a builder that isn't LLB's own, for a file that is no graph; what solving it gives. */
async function build(
  op: BuildOp,
  environment: OperationEnvironment,
  { inputs, lease }: RunContext,
): Promise<SnapshotId | null> {
  if (op.builder !== LLB_BUILDER) throw invalid("only LLB builder is currently allowed");
  const source = op.inputs[DEFINITION];
  if (!source) throw invalid(`no llb definition input ${DEFINITION} found`);
  const tree = inputs[Number(source.input)];
  if (!tree) throw invalid(`invalid index ${source.input}`);
  const path = op.attrs["llbbuild.filename"] || DEFAULT_FILE;
  let definition: Definition;
  {
    await using view = await tree.view();
    const bytes = withFolder(view.path, (root) => readIn(root, path));
    try {
      definition = fromBinary(DefinitionSchema, bytes);
    } catch (thrown) {
      throw invalid(`${path} is no build definition: ${messageOf(thrown)}`, thrown);
    }
  }
  const ref = await environment.solve(definition);
  const snapshot = await ref?.snapshot();
  if (snapshot === undefined) return null;
  environment.host.store.leases.hold(lease, { snapshot });
  return snapshot;
}

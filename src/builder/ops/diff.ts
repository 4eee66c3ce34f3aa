// DiffOp: what an upper tree has changed over a lower one, as a tree of its own.
import type { DiffOp } from "../../buildkit/messages/ops_pb.ts";
import { diffLayer } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { Vertex } from "../solver/graph.ts";
import { operationDigest } from "../solver/keys.ts";
import type { RunContext, Step } from "../solver/operation.ts";
import type { OperationEnvironment } from "./environment.ts";
import { layersOf, stack } from "./merge.ts";

export function diffStep(vertex: Vertex, op: DiffOp, environment: OperationEnvironment): Step {
  return {
    kind: "step",
    operation: `diff ${operationDigest(vertex.op)}`,
    selectors: new Map(),
    run: async (context) => [await diff(op, environment, context)],
  };
}

/** Of an upper tree that was made on the lower one it is the layers between them; else both are compared by their files. */
async function diff(
  op: DiffOp,
  { host: { store } }: OperationEnvironment,
  context: RunContext,
): Promise<SnapshotId | null> {
  const snapshotOf = async (input: bigint | undefined) =>
    input === undefined || input < 0n ? undefined : await context.inputs[Number(input)]?.snapshot();
  const [lower, upper] = await Promise.all([snapshotOf(op.lower?.input), snapshotOf(op.upper?.input)]);
  if (upper === lower) return null;
  if (lower === undefined) return upper ?? null;
  const layers = upper === undefined ? [] : layersOf(store, upper);
  const at = layers.indexOf(lower);
  if (at < 0) {
    const { lease, signal } = context;
    return await diffLayer(store, { lease, lower, upper, signal });
  }
  return await stack(store, undefined, layers.slice(at + 1), context);
}

// MergeOp: trees on top of each other. Each tree's own layers are put on those before; files are shared by hard links.
import type { MergeOp } from "../../buildkit/messages/ops_pb.ts";
import { cloneLayer } from "../../store/index.ts";
import type { SnapshotId, Store } from "../../store/types.ts";
import type { Vertex } from "../solver/graph.ts";
import { operationDigest } from "../solver/keys.ts";
import type { RunContext, Step } from "../solver/operation.ts";
import type { Ref } from "../types.ts";
import { baseOf, type OperationEnvironment } from "./environment.ts";

export function mergeStep(vertex: Vertex, op: MergeOp, { host }: OperationEnvironment): Step {
  return {
    kind: "step",
    operation: `merge ${operationDigest(vertex.op)}`,
    selectors: new Map(),
    run: async (context) => {
      const trees = op.inputs.map(({ input }) => context.inputs[Number(input)]);
      return [await merge(host.store, trees, context)];
    },
  };
}

async function merge(
  store: Store,
  trees: (Ref | undefined)[],
  context: RunContext,
): Promise<SnapshotId | null> {
  const snapshots = await Promise.all(trees.map((tree) => tree?.snapshot()));
  let top = snapshots[0];
  for (const snapshot of snapshots.slice(1)) {
    if (snapshot === undefined) continue;
    top = top === undefined ? snapshot : await stack(store, top, layersOf(store, snapshot), context);
  }
  return top ?? null;
}

/** Puts layers, lowest first, on a snapshot. */
export async function stack(
  store: Store,
  base: SnapshotId | undefined,
  layers: readonly SnapshotId[],
  { lease, signal }: Pick<RunContext, "lease" | "signal">,
): Promise<SnapshotId> {
  let top = base;
  for (const layer of layers) top = await cloneLayer(store, { lease, layer, parent: baseOf(top), signal });
  if (top === undefined) throw new Error("a stack of no layers");
  return top;
}

/** A snapshot's layers, lowest first. */
export function layersOf(store: Store, snapshot: SnapshotId): SnapshotId[] {
  const layers: SnapshotId[] = [];
  for (let at: SnapshotId | undefined = snapshot; at !== undefined; at = store.snapshots.parentOf(at))
    layers.unshift(at);
  return layers;
}

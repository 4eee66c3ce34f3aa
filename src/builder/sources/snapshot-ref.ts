// What a source comes to: a layer of files that were brought into a folder, and a layer as a ref.
import { applyFileActions, type CopyAction, digestPaths } from "../../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../../store/types.ts";
import { freeze } from "../ops/freeze.ts";
import type { Vertex } from "../solver/graph.ts";
import { mountWritable, type Views } from "../solver/views.ts";
import type { Ref } from "../types.ts";

/** All of a folder, as it is. */
export const WHOLE_FOLDER = { source: "/", destination: "/", directoryContents: true } as const;

/** A layer on nothing, with what is copied from a folder; the lease holds it. Errors: those of the copy, after which nothing is left. */
export async function layerOf(
  store: Store,
  folder: string,
  copy: Omit<CopyAction, "type" | "from">,
  { lease, signal }: { lease: LeaseId; signal: AbortSignal },
): Promise<SnapshotId> {
  const snapshot = await store.snapshots.createActive(undefined, lease);
  try {
    using target = mountWritable(store, snapshot);
    await applyFileActions({
      target: target.path,
      sources: [folder],
      actions: [{ type: "copy", from: 0, ...copy }],
      signal,
    });
  } catch (thrown) {
    await store.snapshots.remove(snapshot);
    throw thrown;
  }
  return await freeze(store, snapshot);
}

/** `make` is called once, when somebody wants its files. */
export function snapshotRef<S extends SnapshotId | undefined>(
  vertex: Vertex,
  key: string,
  make: () => Promise<S>,
  { views, signal }: { views: Views; signal: AbortSignal },
): Ref {
  let made: Promise<S> | undefined;
  const snapshot = () => (made ??= make());
  return {
    key,
    vertex: vertex.digest,
    snapshot,
    view: async () => views.open(await snapshot()),
    digests: async (selectors) => {
      await using view = views.open(await snapshot());
      return await digestPaths({ root: view.path, selectors, signal });
    },
  };
}

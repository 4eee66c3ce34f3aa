// The use case "what has this container changed in its image's files" (`diff`).
import { type ListedChange, listChanges } from "../store/index.ts";
import { rootfsFolder } from "./folders.ts";
import { useRootfs } from "./rootfs.ts";
import type { Engine } from "./types.ts";

/** All changes, a folder before what is in it. Errors: not-found; conflict for one whose removal has begun. */
export async function containerChanges(
  engine: Engine,
  reference: string,
  signal: AbortSignal,
): Promise<ListedChange[]> {
  const { id } = engine.containers.find(reference);
  await using use = await useRootfs(engine, id);
  return await listChanges(engine.store, {
    snapshot: use.record.snapshot,
    rootfs: rootfsFolder(engine.environment, id),
    signal: AbortSignal.any([signal, use.signal]),
  });
}

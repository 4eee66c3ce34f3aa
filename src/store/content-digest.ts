// Digests of what is at paths of a mounted snapshot, the daemon's side: one confined worker for many paths.
import type { Digest } from "../oci/digest.ts";
import type { PathSelector } from "./file-action.ts";
import { openTreeMount } from "./tree-mount.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";

export interface DigestRequest {
  /** Where the snapshot is mounted: a path of ours. */
  root: string;
  selectors: PathSelector[];
  signal?: AbortSignal;
}

/**
 * A digest for each selector, of names, kinds, modes, owners, link targets, device numbers, attributes and contents; times
 * don't count. Of a path without wildcards its own name doesn't count either. Errors: not-found, `"/x": not found`, for a path or
 * a required path that isn't there (wildcards and patterns that match nothing are the digest of nothing); invalid for bad patterns.
 */
export async function digestPaths({ root, selectors, signal }: DigestRequest): Promise<Digest[]> {
  if (selectors.length === 0) return [];
  using tree = openTreeMount(root, { readOnly: true });
  const worker = Bun.spawn(workerCommand("digest-paths"), {
    cwd: "/",
    env: WORKER_ENVIRONMENT,
    stdio: [Buffer.from(JSON.stringify(selectors)), "ignore", "pipe", tree.fd],
  });
  const found = await workerEnd<string[]>("digest-paths", worker, worker.stderr.text(), signal);
  return found.map((hex) => `sha256:${hex}` as Digest);
}

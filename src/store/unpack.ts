// Unpacking a layer, the daemon's side: a snapshot, a worker, and nothing left of either when it fails.
import { closeSync, openSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { close, O } from "../linux/ffi.ts";
import { openIn, RESOLVE, withFolder } from "../linux/files.ts";
import { setXattr } from "../linux/xattr.ts";
import type { Digest } from "../oci/digest.ts";
import type { HiddenPaths } from "./backend.ts";
import { feed } from "./feed-worker.ts";
import type { LeaseId, SnapshotId, Store } from "./types.ts";
import { unpackBounds } from "./worker/bounds.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { Unpacked } from "./worker/unpack.ts";

export interface UnpackRequest {
  lease: LeaseId;
  /** The archive, plain or compressed with gzip or zstd: a file, or chunks as they come (a download under way), with their size where it is known. */
  source: { path: string } | { chunks: AsyncIterable<Uint8Array>; size?: number };
  signal?: AbortSignal;
}

export interface UnpackedLayer {
  /** Not yet found by anybody: commitLayer or remove comes next. */
  id: SnapshotId;
  diffId: Digest;
  size: number;
  inodes: number;
  /** For commitLayer; byte strings. */
  implied: string[];
}

/**
 * Unpacks a layer into a new snapshot. Errors: invalid for an archive that is damaged, truncated or would write outside
 * of its root; system with "no space left on device" when the disk is full. Nothing is left behind then.
 */
export async function unpackLayer(store: Store, request: UnpackRequest): Promise<UnpackedLayer> {
  const { id, directory } = await store.snapshots.beginLayer(request.lease);
  try {
    const style = store.snapshots.backend === "copy" ? "list" : "overlay";
    const unpacked = await runUnpack(directory, style, request);
    if (style === "overlay") markOpaque(directory, unpacked.opaque);
    else await writeHidden(join(directory, "..", "hidden.json"), unpacked);
    const { diffId, size, inodes, implied } = unpacked;
    return { id, diffId, size, inodes, implied };
  } catch (thrown) {
    await store.snapshots.remove(id);
    throw thrown;
  }
}

async function runUnpack(
  directory: string,
  style: string,
  { source, signal }: UnpackRequest,
): Promise<Unpacked> {
  const { processorSeconds, fileBytes } = unpackBounds(
    "path" in source ? statSync(source.path).size : source.size,
  );
  const command = workerCommand(
    "unpack",
    directory,
    style,
    String(processorSeconds),
    ...(fileBytes === undefined ? [] : [String(fileBytes)]),
  );
  const options = { cwd: "/", env: WORKER_ENVIRONMENT, stdout: "pipe", stderr: "pipe" } as const;
  if ("path" in source) {
    const fd = openSync(source.path, O.RDONLY);
    try {
      return await finished(Bun.spawn(command, { ...options, stdin: fd }), signal);
    } finally {
      closeSync(fd);
    }
  }
  const worker = Bun.spawn(command, { ...options, stdin: "pipe" });
  const result = finished(worker, signal);
  const [fed, unpacked] = await Promise.allSettled([feed(worker, source.chunks), result]);
  // When the source failed that is the reason, and the worker's complaint of a truncated archive only follows from it.
  if (fed.status === "rejected") throw fed.reason;
  if (unpacked.status === "rejected") throw unpacked.reason;
  return unpacked.value;
}

function finished(worker: Subprocess<"pipe" | number, "pipe", "pipe">, signal: AbortSignal | undefined) {
  return workerEnd<Unpacked>("unpack", worker, worker.stdout.text(), signal, worker.stderr.text());
}

/** Overlay's mark that nothing below is seen: a `trusted.` attribute, which the worker has no right to set. */
function markOpaque(directory: string, paths: string[]): void {
  if (paths.length === 0) return;
  withFolder(directory, (root) => {
    for (const path of paths) {
      const name = Buffer.from(`${path || "."}\0`, "latin1");
      const fd = openIn(root, name, O.RDONLY | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
      try {
        setXattr(fd, "trusted.overlay.opaque", Buffer.from("y"));
      } finally {
        close(fd);
      }
    }
  });
}

async function writeHidden(path: string, { whiteouts, opaque }: Unpacked): Promise<void> {
  if (whiteouts.length === 0 && opaque.length === 0) return;
  await writeFile(path, JSON.stringify({ whiteouts, opaque } satisfies HiddenPaths), { mode: 0o600 });
}

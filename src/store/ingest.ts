// Blobs on their way in: files below ingest/, named by their reference, so that a later process resumes them.
//
// One writer a reference (a second gets a conflict); writers of different references don't know of each other, and
// two that bring the same digest both end well: the second rename puts the same bytes in place of the first's.
import type { Database } from "bun:sqlite";
import { createHash, type Hash } from "node:crypto";
import { mkdirSync, renameSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { conflict, invalid } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { type Digest, digestOf, hexOf } from "../oci/digest.ts";
import { MANIFEST_LIMIT } from "./blob-edges.ts";
import type { BlobInfo, BlobWriter, LeaseId, WriterOptions } from "./types.ts";

export interface Arrival {
  digest: Digest;
  size: number;
  /** The whole blob if it is small enough to be a manifest, else nothing. */
  head: Uint8Array;
  lease: LeaseId;
  labels: Record<string, string>;
}

interface Content {
  fileOf(digest: Digest): string;
  info(digest: Digest): BlobInfo | undefined;
  record(arrival: Arrival): BlobInfo;
}

/** Written at once: few promises for a big blob, and a killed process loses no more than this of a download. */
const FLUSH_BYTES = 1 << 20;

export function openIngests(db: Database, folder: string, content: Content) {
  /** By ingest: two may bring the same digest. */
  const arriving = new Map<string, Digest>();
  const writing = new Set<string>();

  async function writer(
    reference: string,
    lease: LeaseId,
    { resumable = true }: WriterOptions = {},
  ): Promise<BlobWriter> {
    const name = hexOf(digestOf(reference));
    if (writing.has(name)) throw conflict(`${reference} is being written already`);
    writing.add(name);
    try {
      // A file without a row is removed at the next start (reconcile.ts).
      if (resumable)
        db.query("INSERT OR REPLACE INTO ingests (name, reference, touched_at) VALUES (?, ?, ?)").run(
          name,
          reference,
          Date.now(),
        );
      const path = join(folder, name);
      const file = await open(path, "a+", 0o600);
      try {
        return await resumeWriter({ name, path, file, lease, resumable });
      } catch (thrown) {
        await file.close();
        throw thrown;
      }
    } catch (thrown) {
      writing.delete(name);
      throw thrown;
    }
  }

  async function resumeWriter(ingest: {
    name: string;
    path: string;
    file: FileHandle;
    lease: LeaseId;
    resumable: boolean;
  }): Promise<BlobWriter> {
    const { name, path, file, lease, resumable } = ingest;
    let state: "open" | "closed" = "open";
    let hash = createHash("sha256");
    let offset = await hashFile(file, hash);
    /** What who wrote it said, instead of the hash. */
    let told: Digest | undefined;
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;

    async function flush(): Promise<void> {
      if (waitingBytes === 0) return;
      const chunk = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
      waiting = [];
      waitingBytes = 0;
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, at, chunk.length - at, null);
        at += bytesWritten;
      }
    }

    async function close(keep: boolean): Promise<void> {
      if (state === "closed") return;
      state = "closed";
      try {
        if (keep) await flush();
        await file.close();
        if (!keep) await forget();
      } finally {
        writing.delete(name);
      }
    }

    async function forget(): Promise<void> {
      await rm(path, { force: true });
      db.query("DELETE FROM ingests WHERE name = ?").run(name);
    }

    return {
      get offset() {
        return offset;
      },
      async write(chunk) {
        if (state !== "open") throw new Error("write to a blob writer that is closed");
        hash.update(chunk);
        offset += chunk.length;
        waitingBytes += chunk.length;
        // Whoever gave the chunk may use its memory again once this resolves: what waits is a copy.
        waiting.push(waitingBytes >= FLUSH_BYTES ? chunk : new Uint8Array(chunk));
        if (waitingBytes >= FLUSH_BYTES) await flush();
      },
      async fill(work) {
        if (offset > 0) throw conflict(`${name} is written to already`);
        const { digest, size } = await work(file.fd);
        const found = (await file.stat()).size;
        if (found !== size) throw invalid(`unexpected size of content: got ${found} bytes, expected ${size}`);
        offset = size;
        told = digest;
      },
      async truncate() {
        told = undefined;
        waiting = [];
        waitingBytes = 0;
        await file.truncate(0);
        hash = createHash("sha256");
        offset = 0;
      },
      async commit(expected, labels = {}) {
        if (state !== "open") throw new Error("commit of a blob writer that is closed");
        await flush();
        const digest = await verified(expected);
        if (content.info(digest)) {
          const head = await headOf(file, offset);
          const known = content.record({ digest, size: offset, head, lease, labels });
          await close(false);
          return known;
        }
        arriving.set(name, digest);
        try {
          await file.sync();
          const head = await headOf(file, offset);
          const target = content.fileOf(digest);
          mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
          renameSync(path, target);
          await syncDirectory(dirname(target));
          failpoint("store.blob-renamed");
          const info = content.record({ digest, size: offset, head, lease, labels });
          await close(false);
          return info;
        } finally {
          arriving.delete(name);
        }
      },
      abort: () => close(false),
      [Symbol.asyncDispose]: () => close(resumable),
    };

    /** The digest of what came. What differs from the expectation is thrown away, since resuming it can't end well. */
    async function verified(expected: { digest?: Digest; size?: number }): Promise<Digest> {
      if (expected.size !== undefined && expected.size !== offset) {
        await close(false);
        throw invalid(`unexpected size of content: got ${offset} bytes, expected ${expected.size}`);
      }
      let digest = told ?? (`sha256:${hash.copy().digest("hex")}` as Digest);
      if (expected.digest?.startsWith("sha512:")) {
        const long = createHash("sha512");
        await hashFile(file, long);
        digest = `sha512:${long.digest("hex")}` as Digest;
      }
      if (expected.digest === undefined || expected.digest === digest) return digest;
      await close(false);
      throw invalid(`unexpected digest of content: got ${digest}, expected ${expected.digest}`);
    }
  }

  return { writer, arriving, writing };
}

/** Feeds a file's bytes to a hash; answers how many there were. */
async function hashFile(file: FileHandle, hash: Hash): Promise<number> {
  const buffer = Buffer.allocUnsafe(FLUSH_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function headOf(file: FileHandle, size: number): Promise<Uint8Array> {
  if (size > MANIFEST_LIMIT) return new Uint8Array();
  const bytes = Buffer.alloc(size);
  await file.read(bytes, 0, size, 0);
  // Most small blobs are layers: one byte tells.
  return bytes[0] === 0x7b ? bytes : new Uint8Array();
}

/** fsync(2) of a folder, so that a rename in it is on disk; away from the event loop. */
async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

// The jobs "send-tree", "file-digests" and "file-names", in a view (view.ts) that is this process's root directory: files to a client by file
// sync, and what they hold.
import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import { MODE, openTree, sendTree, walkTree } from "../../buildkit/file-sync/index.ts";
import { O } from "../../linux/ffi.ts";
import { attempt, enterRoot } from "../../linux/files.ts";
import { writeAll } from "./pack.ts";

export interface SendFilesOptions {
  /** A folder in which the files are: said to be root's, with mode 0755 and without a time. */
  prefix?: string;
  /** The time of all, in seconds since 1970; absent: each its own. */
  time?: number;
}

const CHUNK = 1 << 20;

/** Standard input has what the receiver says. */
export async function sendFiles(root: string, { prefix, time }: SendFilesOptions): Promise<void> {
  enterRoot(root);
  const modTime = time === undefined ? undefined : BigInt(time) * 1_000_000_000n;
  const stream = {
    chunks: Bun.stdin.stream() as ReadableStream<Uint8Array>,
    async write(bytes: Uint8Array) {
      writeAll(1, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  };
  await sendTree(stream, openTree("/"), {
    map(stat) {
      if (stat.path === prefix)
        Object.assign(stat, { mode: (MODE.directory | 0o755) >>> 0, uid: 0, gid: 0, modTime: 0n });
      if (modTime !== undefined) stat.modTime = modTime;
    },
  });
}

/** A path and a NUL for all that is no folder. */
export function listFiles(root: string): null {
  enterRoot(root);
  for (const stat of walkTree(openTree("/"), {}))
    if (stat && (stat.mode & MODE.directory) === 0) writeAll(1, Buffer.from(`${stat.path}\0`, "latin1"));
  return null;
}

/** A line for each regular file: its digest, a space, its path; ended by a NUL. */
export function digestFiles(root: string): null {
  enterRoot(root);
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (const stat of walkTree(openTree("/"), {})) {
    if (!stat || (stat.mode & ~MODE.permissions & ~MODE.setuid & ~MODE.setgid & ~MODE.sticky) !== 0) continue;
    const path = Buffer.from(`/${stat.path}\0`, "latin1");
    const fd = attempt.open(path, O.RDONLY | O.NOFOLLOW | O.NONBLOCK, 0) ?? -1;
    if (fd < 0) continue; // Gone since
    const hash = createHash("sha256");
    try {
      for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
        hash.update(buffer.subarray(0, count));
    } finally {
      closeSync(fd);
    }
    writeAll(1, Buffer.from(`${hash.digest("hex")} ${stat.path}\0`, "latin1"));
  }
  return null;
}

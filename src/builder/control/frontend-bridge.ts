// What a frontend asks of its build: images' configs, files of parts that it solves, warnings.
import { closeSync, fstatSync, readdirSync, readFileSync, readSync } from "node:fs";
import { basename } from "node:path";
import { BerthError, invalid } from "../../base/errors.ts";
import { isDirectory, modeFromUnix } from "../../buildkit/file-sync/index.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import { KernelError, O } from "../../linux/ffi.ts";
import { openIn, RESOLVE, withFolder } from "../../linux/files.ts";
import type { FrontendBridge, ReadableTree, ResolveImageOptions } from "../frontend.ts";
import { loadDefinition } from "../solver/graph.ts";
import { receiveSmall, smallLocal } from "../sources/small-local.ts";
import { transferParts } from "../sources/transfer-parts.ts";
import { uploadedFolder } from "../sources/upload.ts";
import type { Job } from "./job.ts";

/** Bytes of a file that a frontend may read at once. */
const FILE_LIMIT = 16 << 20;

export function frontendBridge(job: Job): FrontendBridge {
  return {
    platforms: [job.host.environment.platform, ...job.host.steps.foreignPlatforms()],
    resolveImage: (reference, options) => resolveImage(job, reference, options),
    solve: (definition) => solve(job, definition),
    warn: (warning) => {
      job.progress.tell({
        kind: "warning",
        vertex: warning.vertex ?? "",
        level: warning.level,
        short: warning.short,
        detail: warning.detail,
        url: warning.url,
        ...(warning.source && { source: warning.source }),
        ranges: warning.ranges,
      });
    },
  };
}

async function resolveImage(job: Job, reference: string, options: ResolveImageOptions) {
  if (options.layout) throw new BerthError("not-implemented", "oci-layout:// is not implemented in Berth");
  return await job.shown(options.name, async (progress) => {
    const image = await job.host.images.resolve(reference, options.platform, {
      mode: options.mode,
      auth: (host) => job.credentials(host),
      progress: transferParts(progress),
      signal: job.signal,
    });
    job.materials.image(reference, image);
    return { digest: image.root, config: image.configBytes, reference };
  });
}

/** A few files of the client's come into memory, and what came with the request is here; anything else is solved as a build's part. */
async function solve(job: Job, definition: Definition): Promise<ReadableTree> {
  const small = smallLocal(loadDefinition(definition));
  if (small) {
    const files = await job.shown(small.vertex.name, (progress) => receiveSmall(small, job, progress));
    if (files) return files;
  }
  const folder = uploadedFolder(loadDefinition(definition), job.uploads);
  if (folder !== undefined) return folderTree(async (work) => withFolder(folder, work));
  const ref = await job.evaluate(job.refOf(definition));
  const read = async <T>(work: (root: number) => T): Promise<T> => {
    if (!ref) throw invalid("a frontend reads from a part without files");
    await using view = await ref.view();
    return withFolder(view.path, work);
  };
  return folderTree(read);
}

const folderTree = (read: <T>(work: (root: number) => T) => Promise<T>): ReadableTree => ({
  readFile: (path, first) => read((root) => readIn(root, path, first)),
  readFolder: (path) => read((root) => listIn(root, path)),
});

/** All of a file, or its first bytes. Errors: not-found and invalid, in BuildKit's words. */
export function readIn(root: number, path: string, first?: number): Uint8Array {
  const fd = opened(root, path, O.RDONLY);
  try {
    const facts = fstatSync(fd);
    if (facts.isDirectory()) throw invalid(`read ${path}: is a directory`);
    if (first !== undefined) {
      const bytes = Buffer.alloc(Math.min(first, facts.size));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    }
    if (facts.size > FILE_LIMIT)
      throw invalid(`${path} has ${facts.size} bytes, more than the ${FILE_LIMIT} that are read of a file`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function listIn(root: number, path: string): string[] {
  const fd = opened(root, path, O.RDONLY | O.DIRECTORY);
  try {
    return readdirSync(`/proc/self/fd/${fd}`, { withFileTypes: true }).map(
      (entry) => entry.name + (entry.isDirectory() ? "/" : ""),
    );
  } finally {
    closeSync(fd);
  }
}

/** What a name is, links on the way to it followed, not it itself; a link's target isn't told. Errors: as readIn. */
export function statIn(root: number, path: string) {
  const fd = opened(root, path, O.PATH | O.NOFOLLOW);
  try {
    const { mode, uid, gid, size, mtimeNs } = fstatSync(fd, { bigint: true });
    const bits = modeFromUnix(Number(mode));
    return {
      path: basename(path),
      mode: bits,
      uid: Number(uid),
      gid: Number(gid),
      size: isDirectory(bits) ? 0n : size,
      modTime: mtimeNs,
    };
  } finally {
    closeSync(fd);
  }
}

function opened(root: number, path: string, flags: number): number {
  try {
    return openIn(root, path, flags, RESOLVE.IN_ROOT);
  } catch (thrown) {
    if (thrown instanceof KernelError && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR"))
      throw new BerthError("not-found", `open ${path}: no such file or directory`, { cause: thrown });
    throw thrown;
  }
}

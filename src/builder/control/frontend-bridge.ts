// What a frontend asks of its build: images' configs, files of parts that it solves, warnings.
import { invalid, notFound } from "../../base/errors.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import { withFolder } from "../../linux/files.ts";
import type { Platform } from "../../oci/types.ts";
import type { FrontendBridge, ReadableTree, ResolveImageOptions } from "../frontend.ts";
import { loadDefinition } from "../solver/graph.ts";
import { listIn, readIn } from "../solver/read-tree.ts";
import { resolveLayout } from "../sources/layout.ts";
import { receiveSmall, smallLocal } from "../sources/small-local.ts";
import { transferParts } from "../sources/transfer-parts.ts";
import { type Upload, uploadOf } from "../sources/upload.ts";
import type { Job } from "./job.ts";

export function frontendBridge(job: Job): FrontendBridge {
  return {
    platforms: [job.host.environment.platform, ...job.host.steps.foreignPlatforms()],
    resolveImage: (reference, options) => resolveImage(job, reference, options),
    solve: (definition) => solve(job, definition),
    peek: (definition, largest) => peek(job, definition, largest),
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
  return await job.shown(options.name, async (progress) => {
    if (options.layout) return await resolveOfLayout(job, reference, options.platform, options.layout);
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

/** The name is the person's, the digest says what it is. */
async function resolveOfLayout(
  job: Job,
  reference: string,
  platform: Platform,
  layout: { session: string; store: string },
) {
  const session = await job.session(layout.session || undefined);
  const image = await resolveLayout(job.host.store, session, {
    reference,
    store: layout.store,
    platform,
    lease: job.options.lease,
    signal: job.signal,
  });
  job.materials.image(reference, image);
  return { digest: image.root, config: image.configBytes, reference };
}

/** A few files of the client's come into memory, and what came with the request is here; anything else is solved as a build's part. */
async function solve(job: Job, definition: Definition): Promise<ReadableTree> {
  const small = smallLocal(loadDefinition(definition));
  if (small) return job.shown(small.vertex.name, (progress) => receiveSmall(small, job, progress));
  const upload = uploadOf(loadDefinition(definition), job.uploads);
  if (upload) return uploadTree(upload);
  const ref = await job.evaluate(job.refOf(definition));
  const read = async <T>(work: (root: number) => T): Promise<T> => {
    if (!ref) throw invalid("a frontend reads from a part without files");
    await using view = await ref.view();
    return withFolder(view.path, work);
  };
  return folderTree(read);
}

function peek(job: Job, definition: Definition, largest: number): Promise<ReadableTree> {
  const small = smallLocal(loadDefinition(definition));
  return small ? receiveSmall(small, job, job.untold(small.vertex), largest) : solve(job, definition);
}

/** Of one that is known, .dockerignore is read without unpacking it. */
function uploadTree({ path: folder, ready, known }: Upload): ReadableTree {
  const tree = folderTree(async (work) => {
    await ready();
    return withFolder(folder, work);
  });
  return {
    ...tree,
    async readFile(path, first) {
      if (!known || path !== ".dockerignore") return await tree.readFile(path, first);
      if (known.ignoreFile) return known.ignoreFile.subarray(0, first);
      throw notFound(`open ${path}: no such file or directory`);
    },
  };
}

const folderTree = (read: <T>(work: (root: number) => T) => Promise<T>): ReadableTree => ({
  readFile: (path, first) => read((root) => readIn(root, path, first)),
  readFolder: (path) => read((root) => listIn(root, path)),
});

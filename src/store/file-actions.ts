// BuildKit's file operations (copy, mkdir, mkfile, symlink, rm), the daemon's side: one confined worker for a list of them.
import { close, O } from "../linux/ffi.ts";
import { openIn, RESOLVE } from "../linux/files.ts";
import { makePipe } from "../linux/pipe.ts";
import { startDecompressor } from "./decompress-stream.ts";
import type { FileAction } from "./file-action.ts";
import { openTreeMount } from "./tree-mount.ts";
import { WORKER_ENVIRONMENT, workerCommand, workerEnd } from "./worker/confine.ts";
import type { ActionsRequest, Applied, SentAction } from "./worker/files/apply-actions.ts";

export type * from "./file-action.ts";

export interface FileActionRequest {
  /** Where the snapshot that is written to is mounted: a path of ours. */
  target: string;
  /** Where those are mounted that are only read. */
  sources: string[];
  /** Applied in this order; what was done before one that fails stays. */
  actions: FileAction[];
  signal?: AbortSignal;
}

/**
 * Applies actions to a mounted tree. No path, link or archive leads out of the tree that it is of. Errors: system and invalid in
 * BuildKit's words ("cannot copy to non-directory: /x", "mkdir /a/b: no such file or directory").
 */
export async function applyFileActions(request: FileActionRequest): Promise<void> {
  if (request.actions.length === 0) return;
  using trees = new DisposableStack();
  const target = trees.use(openTreeMount(request.target, { readOnly: false })).fd;
  const sources = request.sources.map((path) => trees.use(openTreeMount(path, { readOnly: true })).fd);
  const actions = request.actions.map(sent);
  const sending = { actions, sources: sources.length };
  const { signal } = request;
  let { interrupted } = await run(sending, [target, ...sources], signal);
  while (interrupted) {
    // A file that only a program decompresses (bzip2, xz): the worker has none, so another goes on, with a pipe from it.
    const { action, match, path, compression, source } = interrupted;
    const root = source === "target" ? target : (sources[source] as number);
    const name = Buffer.from(`${path.join("/")}\0`, "latin1");
    const file = openIn(root, name, O.RDONLY | O.NONBLOCK, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
    const { child, plain } = decompress(compression, file);
    try {
      const resume = { ...sending, resume: { action, match } };
      ({ interrupted } = await run(resume, [target, ...sources, plain], signal, () => close(plain)));
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  }
}

function decompress(compression: "bzip2" | "xz", file: number) {
  const { read, write } = makePipe();
  try {
    return { child: startDecompressor(compression, file, write), plain: read };
  } catch (thrown) {
    close(read);
    throw thrown;
  } finally {
    close(file);
    close(write);
  }
}

async function run(
  request: ActionsRequest,
  trees: number[],
  signal: AbortSignal | undefined,
  started = () => {},
): Promise<Applied> {
  const worker = (() => {
    try {
      return Bun.spawn(workerCommand("file-actions"), {
        cwd: "/",
        env: WORKER_ENVIRONMENT,
        stdio: [Buffer.from(JSON.stringify(request)), "ignore", "pipe", ...trees],
      });
    } finally {
      started();
    }
  })();
  return await workerEnd<Applied>("file-actions", worker, worker.stderr.text(), signal);
}

function sent(action: FileAction): SentAction {
  if (action.type !== "mkfile") return action;
  const { data } = action;
  return { ...action, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
}

// A few files of a client's folder, straight into memory: the Dockerfile and .dockerignore of most builds, without a worker.
import { BerthError, invalid } from "../../base/errors.ts";
import {
  createMemorySink,
  encodeSyncRequest,
  FILE_SYNC_PATH,
  MODE,
  Receiver,
  receiveStream,
  toByteString,
  toText,
} from "../../buildkit/file-sync/index.ts";
import { callFramed } from "../../buildkit/grpc/index.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { ReadableTree } from "../frontend.ts";
import type { Session } from "../session/sessions.ts";
import type { Edge, Vertex } from "../solver/graph.ts";
import type { VertexProgress } from "../solver/progress.ts";
import { stringList } from "./attributes.ts";

const LIMIT = 16 << 20;

export interface SmallLocal {
  vertex: Vertex;
  op: SourceOp;
  followPaths: string[];
}

/** A local source that names the paths it wants, and nothing on top of it. */
export function smallLocal(edge: Edge | undefined): SmallLocal | undefined {
  const { op } = edge?.vertex.op ?? {};
  if (!edge || op?.case !== "source" || !op.value.identifier.startsWith("local://")) return undefined;
  const followPaths = stringList(op.value, "local.followpaths");
  if (!followPaths || followPaths.length === 0 || followPaths.length > 16) return undefined;
  return { vertex: edge.vertex, op: op.value, followPaths };
}

/** `largest`: bytes of a file that comes at all. Errors: invalid, for more than fits into memory. */
export async function receiveSmall(
  { op, followPaths }: SmallLocal,
  { session: open, signal }: { session(id?: string): Promise<Session>; signal: AbortSignal },
  progress: VertexProgress,
  largest?: number,
): Promise<ReadableTree> {
  const name = op.identifier.slice("local://".length);
  const session = await open(op.attrs["local.session"] || undefined);
  if (!session.serves(FILE_SYNC_PATH)) throw invalid(`${name}: no local sources enabled`);
  const part = progress.part(`transferring ${name}:`);
  part({ name: "transferring" });
  const call = callFramed(
    session.grpc,
    FILE_SYNC_PATH,
    encodeSyncRequest({
      name,
      followPaths,
      includePatterns: stringList(op, "local.includepattern"),
      excludePatterns: stringList(op, "local.excludepatterns"),
    }),
  );
  call.status.catch(() => {});
  const leave = () => call.cancel();
  signal.addEventListener("abort", leave, { once: true });
  const sink = createMemorySink(LIMIT, largest);
  try {
    await receiveStream(call, new Receiver([], sink));
    call.end();
  } catch (thrown) {
    signal.throwIfAborted();
    const status = await Promise.race([call.status.catch((error: unknown) => error), Bun.sleep(50)]);
    const { rawMessage } = (status ?? {}) as { rawMessage?: string };
    throw rawMessage ? invalid(rawMessage, thrown) : thrown;
  } finally {
    signal.removeEventListener("abort", leave);
  }
  const bytes = [...sink.files.values()].reduce((sum, { content }) => sum + content.length, 0);
  part({ name: "transferring", current: bytes, done: true });
  return treeOf(sink.files);
}

function treeOf(files: ReturnType<typeof createMemorySink>["files"]): ReadableTree {
  return {
    async readFile(path, first) {
      const file = find(files, path);
      if (!file) throw new BerthError("not-found", `open ${path}: no such file or directory`);
      if (file.stat.mode & MODE.directory) throw invalid(`read /${plain(path)}: is a directory`);
      return file.content.subarray(0, first);
    },
    async readFolder(path) {
      const below = plain(path) === "" ? "" : `${plain(path)}/`;
      return [...files.keys()]
        .filter((name) => name.startsWith(below) && !name.slice(below.length).includes("/"))
        .map((name) => toText(name.slice(below.length)));
    },
  };
}

const plain = (path: string): string =>
  toByteString(path)
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");

/** Links are followed, as far as what they lead to was sent. */
function find(files: ReturnType<typeof createMemorySink>["files"], path: string, depth = 0) {
  const name = plain(path);
  const file = files.get(name);
  if (!file || !(file.stat.mode & MODE.symlink) || depth > 16) return file;
  const { linkname } = file.stat;
  const folder = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
  const target = linkname.startsWith("/") ? linkname : `${folder}/${linkname}`;
  return find(files, toText(normal(target)), depth + 1);
}

function normal(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/"))
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  return kept.join("/");
}

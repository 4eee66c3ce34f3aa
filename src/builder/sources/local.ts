// `local://NAME`: a folder of the client's. It sends what has changed since its last build; what is taken of it counts by content.
import { createHash } from "node:crypto";
import { invalid } from "../../base/errors.ts";
import {
  type CopyDigester,
  createCopyDigester,
  encodeSyncRequest,
  FILE_SYNC_PATH,
} from "../../buildkit/file-sync/index.ts";
import { callFramed } from "../../buildkit/grpc/index.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { type PathSelector, readContextIndex, receiveContext } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Session } from "../session/sessions.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import type { Ref } from "../types.ts";
import { stringList } from "./attributes.ts";
import { layerOf, WHOLE_FOLDER } from "./snapshot-ref.ts";

export function localSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const name = op.identifier.slice("local://".length);
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const session = await environment.session(op.attrs["local.session"]);
      const folder = await environment.contexts.open(placeOf(name, op, session), `local source for ${name}`);
      environment.untilEnd(() => folder[Symbol.dispose]());
      const part = progress.part(`transferring ${name}:`);
      part({ name: "transferring" });
      const received = await transfer(name, op, session, folder, signal, (bytes) =>
        part({ name: "transferring", current: bytes }),
      );
      part({ name: "transferring", current: received.bytes, done: true });
      const ref = folderRef(vertex, environment, folder, received.digest, { lease, signal });
      return { ref, cached: false, isFolder: true };
    },
  };
}

/** What names the folder: the client's shared key, or this session alone, and what is asked of it. */
function placeOf(name: string, op: SourceOp, session: Session): string {
  const hint = op.attrs["local.sharedkeyhint"] ?? name;
  const shared = session.sharedKey ? `${hint}:${session.sharedKey}` : `session:${session.id}:${hint}`;
  return createHash("sha256").update(`${name}\n${shared}`).digest("hex");
}

async function transfer(
  name: string,
  op: SourceOp,
  session: Session,
  folder: { files: string; state: string },
  signal: AbortSignal,
  count: (bytes: number) => void,
) {
  if (!session.serves(FILE_SYNC_PATH)) throw invalid(`${name}: no local sources enabled`);
  const call = callFramed(
    session.grpc,
    FILE_SYNC_PATH,
    encodeSyncRequest({
      name,
      includePatterns: stringList(op, "local.includepattern"),
      excludePatterns: stringList(op, "local.excludepatterns"),
      followPaths: stringList(op, "local.followpaths"),
    }),
  );
  call.status.catch(() => {}); // The stream breaks off with the same
  let bytes = 0;
  async function* counted() {
    for await (const chunk of call.chunks) {
      bytes += chunk.length;
      count(bytes);
      yield chunk;
    }
  }
  try {
    const received = await receiveContext({
      folder: folder.files,
      state: folder.state,
      input: counted(),
      output: (chunk) => call.write(chunk),
      signal,
    });
    call.end();
    return { ...received, bytes };
  } catch (thrown) {
    call.cancel();
    throw await call.status.then(
      () => thrown,
      (status: unknown) => (signal.aborted ? thrown : betterOf(status, thrown)),
    );
  }
}

/** The client's own word on why it broke off, where it had one: what our cancelling makes of the call is none. */
const betterOf = (status: unknown, thrown: unknown): unknown => {
  const { rawMessage } = status as { rawMessage?: string };
  return rawMessage && !/left the call|broken off|aborted|cancel/i.test(rawMessage)
    ? invalid(rawMessage, status)
    : thrown;
};

function folderRef(
  vertex: Vertex,
  environment: OperationEnvironment,
  folder: { files: string; state: string },
  digest: string,
  { lease, signal }: { lease: Parameters<Source["open"]>[0]["lease"]; signal: AbortSignal },
): Ref {
  const { store } = environment.host;
  let digester: CopyDigester | undefined;
  let snapshot: Promise<SnapshotId> | undefined;
  /** As a layer, for who writes on it or makes an image of it. */
  const copied = () => layerOf(store, folder.files, WHOLE_FOLDER, { lease, signal });
  return {
    key: `local ${digest}`,
    vertex: vertex.digest,
    snapshot: () => (snapshot ??= copied()),
    view: async () => ({ path: folder.files, [Symbol.asyncDispose]: async () => {} }),
    digests: async (selectors: PathSelector[]) => {
      digester ??= createCopyDigester(readContextIndex(folder.state).entries);
      return selectors.map((selector) => digester?.digest(selector).digest ?? "");
    },
  };
}

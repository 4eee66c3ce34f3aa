// `https://…`: one file. It is fetched to be told by its content; a server that says it is unchanged (ETag, Last-Modified) isn't asked for
// it again within a build alone.
import { rmSync } from "node:fs";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { applyFileActions, digestPaths } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import { freeze } from "../ops/freeze.ts";
import type { Vertex } from "../solver/graph.ts";
import type { RunContext, Source } from "../solver/operation.ts";
import { mountWritable } from "../solver/views.ts";
import type { Ref } from "../types.ts";
import { cacheKey } from "./cache-key.ts";
import { checkDigest, type Fetched, fetchFile } from "./download.ts";
import { SESSION_HOST } from "./session-archive.ts";

export function httpSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const fetched = await cacheKey(() => fetchFile(op, environment, progress, signal));
      environment.untilEnd(() => rmSync(fetched.folder, { recursive: true, force: true }));
      checkDigest(op, fetched);
      if (new URL(op.identifier).host !== SESSION_HOST)
        environment.materials.remote(op.identifier, { sha256: fetched.digest });
      return { ref: refOf(vertex, op, environment, fetched, { lease, signal }), cached: false };
    },
  };
}

function refOf(
  vertex: Vertex,
  op: SourceOp,
  environment: OperationEnvironment,
  fetched: Fetched,
  { lease, signal }: Pick<RunContext, "lease" | "signal">,
): Ref {
  const { host, views } = environment;
  const number = (name: string, fallback: number, base = 10) =>
    op.attrs[name] ? Number.parseInt(op.attrs[name], base) : fallback;
  const mode = number("http.perm", 0o600, 0);
  const [uid, gid] = [number("http.uid", 0), number("http.gid", 0)];
  let made: Promise<SnapshotId> | undefined;
  const make = async (): Promise<SnapshotId> => {
    const { store } = host;
    const snapshot = await store.snapshots.createActive(undefined, lease);
    {
      using target = mountWritable(store, snapshot);
      await applyFileActions({
        target: target.path,
        sources: [fetched.folder],
        actions: [
          {
            type: "copy",
            from: 0,
            source: "/file",
            destination: `/${fetched.name}`,
            mode,
            owner: { user: { byId: uid }, group: { byId: gid } },
            timestamp: fetched.modified,
          },
        ],
        signal,
      });
    }
    return await freeze(store, snapshot);
  };
  const snapshot = () => (made ??= make());
  return {
    key: `http ${fetched.digest} ${fetched.name} ${mode} ${uid} ${gid} ${fetched.modified}`,
    vertex: vertex.digest,
    snapshot,
    view: async () => views.open(await snapshot()),
    digests: async (selectors) => {
      await using view = views.open(await snapshot());
      return await digestPaths({ root: view.path, selectors, signal });
    },
  };
}

// `https://…`: one file. It is fetched once a build, to be told by its content.
import { rmSync } from "node:fs";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Vertex } from "../solver/graph.ts";
import type { RunContext, Source } from "../solver/operation.ts";
import type { Ref } from "../types.ts";
import { cacheKey } from "./cache-key.ts";
import { checkDigest, type Fetched, fetchFile } from "./download.ts";
import { SESSION_HOST } from "./session-archive.ts";
import { layerOf, snapshotRef } from "./snapshot-ref.ts";

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
  { host, views }: OperationEnvironment,
  fetched: Fetched,
  { lease, signal }: Pick<RunContext, "lease" | "signal">,
): Ref {
  const number = (name: string, fallback: number, base = 10) =>
    op.attrs[name] ? Number.parseInt(op.attrs[name], base) : fallback;
  const mode = number("http.perm", 0o600, 0);
  const [uid, gid] = [number("http.uid", 0), number("http.gid", 0)];
  const { digest, name, modified: timestamp } = fetched;
  const owner = { user: { byId: uid }, group: { byId: gid } };
  const copy = { source: "/file", destination: `/${name}`, mode, owner, timestamp };
  const make = () => layerOf(host.store, fetched.folder, copy, { lease, signal });
  return snapshotRef(vertex, `http ${digest} ${name} ${mode} ${uid} ${gid} ${timestamp}`, make, {
    views,
    signal,
  });
}

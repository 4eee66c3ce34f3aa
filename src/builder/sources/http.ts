// `https://…`: one file. It is fetched to be told by its content; a server that says it is unchanged (ETag, Last-Modified) isn't asked for
// it again within a build alone.
import { createHash } from "node:crypto";
import { createWriteStream, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { invalid, messageOf, systemError } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { applyFileActions, digestPaths } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import { freeze } from "../ops/freeze.ts";
import type { Vertex } from "../solver/graph.ts";
import type { RunContext, Source } from "../solver/operation.ts";
import type { VertexProgress } from "../solver/progress.ts";
import { mountWritable, scratchFolder } from "../solver/views.ts";
import type { Ref } from "../types.ts";
import { readSessionArchive, SESSION_HOST } from "./session-archive.ts";

interface Fetched {
  folder: string;
  path: string;
  name: string;
  digest: string;
  /** Nanoseconds since 1970, as text. */
  modified: string;
}

export function httpSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const fetched = await fetchFile(op, environment, progress, signal);
      environment.untilEnd(() => rmSync(fetched.folder, { recursive: true, force: true }));
      if (new URL(op.identifier).host !== SESSION_HOST)
        environment.materials.remote(op.identifier, { sha256: fetched.digest });
      return { ref: refOf(vertex, op, environment, fetched, { lease, signal }), cached: false };
    },
  };
}

interface Download {
  headers: Headers;
  body: AsyncIterable<Uint8Array>;
}

async function download(
  address: string,
  environment: OperationEnvironment,
  signal: AbortSignal,
): Promise<Download> {
  const url = new URL(address);
  if (url.host === SESSION_HOST) {
    const session = await environment.session();
    return { headers: new Headers(), body: readSessionArchive(session, url, signal) };
  }
  const { ok, status, headers, body } = await fetch(address, { signal, redirect: "follow" }).catch(
    (thrown) => {
      signal.throwIfAborted();
      throw systemError(`Get "${address}": ${messageOf(thrown)}`, thrown);
    },
  );
  if (!ok) throw invalid(`invalid response status ${status}`);
  return { headers, body: (body ?? []) as AsyncIterable<Uint8Array> };
}

async function fetchFile(
  op: SourceOp,
  environment: OperationEnvironment,
  progress: VertexProgress,
  signal: AbortSignal,
): Promise<Fetched> {
  const folder = scratchFolder(environment.host.store, "http");
  try {
    const { headers, body } = await download(op.identifier, environment, signal);
    const name = op.attrs["http.filename"] || nameOf(op.identifier, headers);
    const path = join(folder, "file");
    const digest = await save(
      body,
      path,
      progress.part("downloading"),
      Number(headers.get("content-length") ?? 0),
    );
    const wanted = op.attrs["http.checksum"];
    if (wanted && wanted !== `sha256:${digest}`) throw invalid(`digest mismatch sha256:${digest}: ${wanted}`);
    const modified = Date.parse(headers.get("last-modified") ?? "") || 0;
    utimesSync(path, modified / 1000, modified / 1000);
    return { folder, path, name, digest, modified: `${BigInt(modified) * 1_000_000n}` };
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}

async function save(
  body: AsyncIterable<Uint8Array>,
  path: string,
  part: ReturnType<VertexProgress["part"]>,
  total: number,
): Promise<string> {
  const hash = createHash("sha256");
  const file = createWriteStream(path, { mode: 0o600 });
  let current = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    current += chunk.length;
    part({ current, total });
    if (!file.write(chunk)) await new Promise((resolve) => file.once("drain", resolve));
  }
  file.end();
  await finished(file);
  part({ current, total: current, done: true });
  return hash.digest("hex");
}

/** As BuildKit names it: by the server's word, else by the address. */
function nameOf(address: string, headers: Headers): string {
  const [, quoted, plain] =
    /filename="?([^";]+)"?|filename=([^;\s]+)/i.exec(headers.get("content-disposition") ?? "") ?? [];
  const said = (quoted ?? plain ?? "").split("/").at(-1) ?? "";
  const last = said || decodeURIComponent(new URL(address).pathname).split("/").at(-1) || "";
  return last === "" || last === "." || last === ".." ? "download" : last;
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

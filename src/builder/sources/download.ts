// One file, from the web or from the client's session, into a folder of the build's.
import { createHash } from "node:crypto";
import { createWriteStream, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { withoutCredentials } from "../../base/addresses.ts";
import { invalid } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { networkError } from "../../registry/index.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { VertexProgress } from "../solver/progress.ts";
import { scratchFolder } from "../solver/views.ts";
import { readSessionArchive, SESSION_HOST } from "./session-archive.ts";

export interface Fetched {
  folder: string;
  path: string;
  name: string;
  digest: string;
  /** Nanoseconds since 1970, as text. */
  modified: string;
}

/** What comes back of a request. */
interface Answer {
  chunks: AsyncIterable<Uint8Array>;
  /** Bytes; 0: nobody said. */
  total: number;
  /** What the server calls the file. */
  disposition: string;
  /** Milliseconds since 1970; 0: nobody said. */
  modified: number;
}

/** The file is at `path`; who calls removes the folder. Errors: invalid (the server's status), system, what the session says. */
export async function fetchFile(
  op: SourceOp,
  environment: OperationEnvironment,
  progress: VertexProgress,
  signal: AbortSignal,
): Promise<Fetched> {
  const folder = scratchFolder(environment.host.store, "http");
  try {
    const url = new URL(op.identifier);
    const answer =
      url.hostname === SESSION_HOST
        ? await uploaded(url, environment, signal)
        : await downloaded(op.identifier, signal);
    const name = op.attrs["http.filename"] || nameOf(url, answer);
    const path = join(folder, "file");
    const digest = await save(answer, path, progress.part("downloading"));
    utimesSync(path, answer.modified / 1000, answer.modified / 1000);
    return { folder, path, name, digest, modified: `${BigInt(answer.modified) * 1_000_000n}` };
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}

/** Errors: invalid, for content that isn't the one asked for. */
export function checkDigest(op: SourceOp, { digest }: Fetched): void {
  const wanted = op.attrs["http.checksum"];
  if (wanted && wanted !== `sha256:${digest}`) throw invalid(`digest mismatch sha256:${digest}: ${wanted}`);
}

async function downloaded(address: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(address, { signal, redirect: "follow" }).catch((thrown) => {
    signal.throwIfAborted();
    throw networkError(new URL(address), thrown, `Get "${withoutCredentials(address)}"`);
  });
  if (!response.ok) throw invalid(`invalid response status ${response.status}`);
  return {
    chunks: (response.body ?? []) as AsyncIterable<Uint8Array>,
    total: Number(response.headers.get("content-length") ?? 0),
    disposition: response.headers.get("content-disposition") ?? "",
    modified: Date.parse(response.headers.get("last-modified") ?? "") || 0,
  };
}

async function uploaded(url: URL, environment: OperationEnvironment, signal: AbortSignal): Promise<Answer> {
  const session = await environment.session();
  return { chunks: readSessionArchive(session, url, signal), total: 0, disposition: "", modified: 0 };
}

async function save(
  { chunks, total }: Answer,
  path: string,
  part: ReturnType<VertexProgress["part"]>,
): Promise<string> {
  const hash = createHash("sha256");
  const file = createWriteStream(path, { mode: 0o600 });
  let current = 0;
  for await (const chunk of chunks) {
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
function nameOf(url: URL, { disposition }: Answer): string {
  const [, quoted, plain] = /filename="?([^";]+)"?|filename=([^;\s]+)/i.exec(disposition) ?? [];
  const said = (quoted ?? plain ?? "").split("/").at(-1) ?? "";
  const last = said || decodeURIComponent(url.pathname).split("/").at(-1) || "";
  return last === "" || last === "." || last === ".." ? "download" : last;
}

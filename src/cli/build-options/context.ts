// Where a build's files and its Dockerfile come from: a folder, an address, or standard input.
import { stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import type { BuildContext, DockerfileSource } from "../../sdk/index.ts";
import { isRemoteAddress } from "../../sdk/index.ts";
import { looksLikeArchive } from "./archive-head.ts";

export interface ContextChoice {
  context: BuildContext;
  dockerfile: DockerfileSource | undefined;
  /** How a person calls the Dockerfile, for messages about it. */
  shownAs: string;
}

/** `place` is the command's argument, `file` what `--file` says (docker/buildx build/opt.go, loadInputs). */
export async function chooseContext(place: string, file: string): Promise<ContextChoice> {
  if (place === "") throw new Error('please specify build context (e.g. "." for the current directory)');
  const shownAs =
    file === "-" ? "stdin" : file || `${place.replace(/\/+$/, "")}/Dockerfile`.replace(/^\.\//, "");
  if (place === "-") return { ...(await fromStandardInput(file)), shownAs };
  const dockerfile = await dockerfileOf(file);
  if ((await stat(place).catch(() => undefined))?.isDirectory())
    return { context: { kind: "folder", path: place }, dockerfile, shownAs };
  if (!isRemoteAddress(place)) throw new Error(`unable to prepare context: path "${place}" not found`);
  const remote = { kind: "remote", address: place } as const;
  // A relative path is one of the repository's.
  if (dockerfile?.kind === "file" && !isAbsolute(file))
    return { context: remote, dockerfile: { kind: "in-context", path: file }, shownAs };
  return { context: remote, dockerfile, shownAs };
}

async function dockerfileOf(file: string): Promise<DockerfileSource | undefined> {
  if (file === "") return undefined;
  if (file === "-") return { kind: "text", text: await Bun.stdin.bytes() };
  if (/^https?:\/\//.test(file)) return { kind: "address", address: file };
  return { kind: "file", path: file };
}

/** Two blocks of a tar archive. */
const HEAD = 1024;

async function fromStandardInput(file: string): Promise<Omit<ContextChoice, "shownAs">> {
  if (file === "-")
    throw new Error("invalid argument: can't use stdin for both build context and dockerfile");
  const input = Bun.stdin.stream()[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let head = Buffer.alloc(0);
  while (head.length < HEAD) {
    const { done, value } = await input.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const data = (async function* () {
    yield head as Uint8Array;
    for (let next = await input.next(); !next.done; next = await input.next()) yield next.value;
  })();
  if (looksLikeArchive(head)) {
    const dockerfile = file === "" ? undefined : ({ kind: "in-context", path: file } as const);
    return { context: { kind: "archive", data }, dockerfile };
  }
  if (file !== "")
    throw new Error("ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return { context: { kind: "empty" }, dockerfile: { kind: "text", text: Buffer.concat(pieces) } };
}

/** The folders that a build's history names, by the names of `BuildSpec`'s session. */
export function localFolders({ context, dockerfile }: ContextChoice): Record<string, string> {
  if (context.kind !== "folder") return {};
  const folders: Record<string, string> = { context: context.path };
  if (dockerfile === undefined) folders.dockerfile = context.path;
  if (dockerfile?.kind === "file") folders.dockerfile = dirname(dockerfile.path);
  return folders;
}

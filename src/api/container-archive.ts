// The files' part of the containers' API: archives in and out, what a path is, the whole as an archive.
import { constants } from "node:fs";
import { invalid } from "../base/errors.ts";
import * as engine from "../engine/index.ts";
import { bestEncoding } from "./content-encoding.ts";
import { empty, flag, type Handler, type Reply } from "./request.ts";

export const STAT_HEADER = "X-Docker-Container-Path-Stat";

export const pathOf = (query: URLSearchParams): string => {
  const path = query.get("path") ?? "";
  if (path === "") throw invalid("bad parameter: pathcannot be empty"); // Docker's words
  if (path.includes("\0")) throw invalid("bad parameter: path has a NUL in it");
  return path;
};

const stat: Handler = async ({ name, query, signal }, rooms) => {
  const found = await engine.statContainerPath(rooms, name, pathOf(query), signal);
  return { kind: "empty", status: 200, headers: { [STAT_HEADER]: encodeStat(found) } };
};

const read: Handler = async ({ name, query, headers, signal }, rooms) => {
  const encoding = bestEncoding(headers["accept-encoding"]);
  const { stat, chunks } = await engine.archiveContainerPath(
    rooms,
    name,
    pathOf(query),
    encoding ?? "none",
    signal,
  );
  return streamArchive(chunks, "application/x-tar", {
    [STAT_HEADER]: encodeStat(stat),
    ...(encoding && { "Content-Encoding": encoding }),
  });
};

const write: Handler = async ({ name, query, stream, contentLength, signal }, rooms) => {
  const options = {
    noOverwriteDirNonDir: flag(query, "noOverwriteDirNonDir"),
    asUser: flag(query, "copyUIDGID"),
    ...(contentLength >= 0 && { size: contentLength }),
  };
  await engine.extractToContainer(rooms, name, pathOf(query), stream, options, signal);
  return empty(200);
};

const exportAll: Handler = async ({ name, signal }, rooms) =>
  streamArchive(await engine.exportContainer(rooms, name, signal), "application/octet-stream");

export function streamArchive(
  chunks: AsyncGenerator<Uint8Array>,
  contentType: string,
  headers: Record<string, string> = {},
): Reply {
  return {
    kind: "stream",
    contentType,
    headers,
    lazy: true,
    async write(sink) {
      for await (const chunk of chunks) await sink.write(chunk);
    },
  };
}

/** Bits of Go's io/fs.FileMode for stat(2)'s types and special bits. */
const GO_TYPES = new Map<number, number>([
  [constants.S_IFDIR, 2 ** 31],
  [constants.S_IFLNK, 2 ** 27],
  [constants.S_IFBLK, 2 ** 26],
  [constants.S_IFIFO, 2 ** 25],
  [constants.S_IFSOCK, 2 ** 24],
  [constants.S_IFCHR, 2 ** 26 + 2 ** 21], // A device, and of characters
]);
const GO_SETUID = 2 ** 23;
const GO_SETGID = 2 ** 22;
const GO_STICKY = 2 ** 20;

/** stat(2)'s mode as Go has it. */
export function goFileMode(mode: number): number {
  return (
    (mode & 0o777) +
    (GO_TYPES.get(mode & constants.S_IFMT) ?? 0) +
    (mode & 0o4000 ? GO_SETUID : 0) +
    (mode & 0o2000 ? GO_SETGID : 0) +
    (mode & 0o1000 ? GO_STICKY : 0)
  );
}

export function encodeStat({ name, size, mode, modified, linkTarget }: engine.PathStat): string {
  const said = {
    name,
    size,
    mode: goFileMode(mode),
    mtime: timestampOf(BigInt(modified)),
    linkTarget,
  };
  return Buffer.from(JSON.stringify(said)).toString("base64");
}

const BILLION = 1_000_000_000n;

/** Nanoseconds since 1970 in RFC 3339 with as many digits as are not zero, as Go writes times. */
export function timestampOf(nanoseconds: bigint): string {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  const seconds = new Date(Number((nanoseconds - rest) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}

export const handlers = { stat, read, write, export: exportAll } satisfies Record<string, Handler>;

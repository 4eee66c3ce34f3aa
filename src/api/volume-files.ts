// Berth's own part of the API, below /berth/volumes: volumes as archives, their files, copies of them, and who uses them.
import { invalid } from "../base/errors.ts";
import * as engine from "../engine/index.ts";
import { encodeStat, pathOf, STAT_HEADER, streamArchive } from "./container-archive.ts";
import { bestEncoding } from "./content-encoding.ts";
import { parseFilters } from "./filters.ts";
import { type ApiRequest, empty, flag, type Handler, json } from "./request.ts";

const exportAll: Handler = async ({ name, signal }, rooms) =>
  streamArchive(await engine.exportVolume(rooms, name, signal), "application/x-tar");

const importAll: Handler = async (request, rooms) => {
  const { name, query, stream, signal } = request;
  const labels = labelsOf(query);
  const options = { ...(labels && { labels }), ...sizeOf(request) };
  return json(await engine.importVolume(rooms, name, stream, options, signal), 201);
};

const clone: Handler = async ({ name, query, signal }, rooms) => {
  const labels = labelsOf(query);
  const source = query.get("from") ?? "";
  if (source === "") throw invalid("bad parameter: from: the volume to copy is not named");
  return json(await engine.cloneVolume(rooms, source, name, labels ? { labels } : {}, signal), 201);
};

const stat: Handler = async ({ name, query, signal }, rooms) => {
  const found = await engine.statVolumePath(rooms, name, pathOf(query), signal);
  return { kind: "empty", status: 200, headers: { [STAT_HEADER]: encodeStat(found) } };
};

const read: Handler = async ({ name, query, headers, signal }, rooms) => {
  const encoding = bestEncoding(headers["accept-encoding"]);
  const found = await engine.archiveVolumePath(rooms, name, pathOf(query), encoding ?? "none", signal);
  return streamArchive(found.chunks, "application/x-tar", {
    [STAT_HEADER]: encodeStat(found.stat),
    ...(encoding && { "Content-Encoding": encoding }),
  });
};

const write: Handler = async (request, rooms) => {
  const { name, query, stream, signal } = request;
  const options = { noOverwriteDirNonDir: flag(query, "noOverwriteDirNonDir"), ...sizeOf(request) };
  await engine.extractToVolume(rooms, name, pathOf(query), stream, options, signal);
  return empty(200);
};

const list: Handler = async ({ query }, rooms) => {
  const filters = parseFilters(query.get("filters"), "error reading volume filters: ");
  const { volumes, warnings } = await engine.listUsedVolumes(rooms, filters, { size: flag(query, "size") });
  return json({ Volumes: volumes, Warnings: warnings.length > 0 ? warnings : null });
};

const sizeOf = ({ contentLength }: ApiRequest) => (contentLength >= 0 ? { size: contentLength } : {});

/** `labels`: a JSON object of texts. Errors: invalid. */
function labelsOf(query: URLSearchParams): Record<string, string> | undefined {
  const text = query.get("labels");
  if (text === null || text === "") return undefined;
  const refuse = () => invalid("bad parameter: labels: a JSON object of texts is wanted");
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw refuse();
  }
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw refuse();
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(said)) {
    if (typeof value !== "string") throw refuse();
    labels[key] = value;
  }
  return labels;
}

export const handlers = {
  export: exportAll,
  import: importAll,
  clone,
  stat,
  read,
  write,
  list,
} satisfies Record<string, Handler>;

// The images' part of the API.
import { forbidden, invalid } from "../base/errors.ts";
import * as engine from "../engine/index.ts";
import type { Engine } from "../engine/types.ts";
import { decodeRegistryAuth, imageHistory, inspectImage, listImages } from "../images/index.ts";
import type { ImageUser } from "../images/types.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { familiar, parseReference, withDefaultTag, withDigest, withTag } from "../oci/reference.ts";
import { parseFilters } from "./filters.ts";
import { decodePlatform, platformJson, platformText } from "./platform.ts";
import { progressReply } from "./progress.ts";
import { type ApiRequest, empty, flag, type Handler, json, type Reply } from "./request.ts";

const usersIn =
  (rooms: Engine) =>
  (id: Digest): ImageUser[] =>
    engine.imageUsers(rooms, id);

const auth = (request: ApiRequest) => {
  const header = request.headers["x-registry-auth"];
  return decodeRegistryAuth(Array.isArray(header) ? header[0] : header);
};

const list: Handler = async ({ query }, rooms) =>
  json(
    await listImages(rooms, {
      all: flag(query, "all"),
      filters: parseFilters(query.get("filters")),
      sharedSize: flag(query, "shared-size"),
      manifests: flag(query, "manifests"),
      inUse: usersIn(rooms),
    }),
  );

const inspect: Handler = async ({ name, query }, rooms) => {
  const manifests = flag(query, "manifests");
  const platform = platformJson(query);
  if (manifests && platform)
    throw invalid("conflicting options: manifests and platform options cannot both be set");
  return json(await inspectImage(rooms, name, { manifests, platform, inUse: usersIn(rooms) }));
};

const history: Handler = async ({ name, query }, rooms) =>
  json(await imageHistory(rooms, name, { platform: platformJson(query) }));

/** POST /images/create: a pull (`fromImage`) or an import (`fromSrc`). */
const create: Handler = (request, rooms) => {
  const { query } = request;
  return query.get("fromImage") ? pull(request, rooms) : importArchive(request, rooms);
};

function pull(request: ApiRequest, rooms: Engine): Reply {
  const { query, signal } = request;
  // A colon at the end is what `pull -a` of old clients sent.
  const name = (query.get("fromImage") ?? "").replace(/:$/, "");
  const tag = query.get("tag") ?? "";
  const named = parseReference(name);
  // What the parameter says replaces what the name says; it may be a digest.
  const reference = tag === "" ? named : isDigest(tag) ? withDigest(named, tag) : withTag(named, tag);
  if (reference.path === "library/scratch") throw forbidden("'scratch' is a reserved name");
  const options = {
    platform: platformText(query),
    auth: auth(request),
    allTags: !reference.tag && !reference.digest,
    // Asked for by our own client only: false forbids the images that come with Berth.
    builtIn: flag(query, "builtIn", true),
    signal,
  };
  return progressReply((progress) => engine.pullImage(rooms, familiar(reference), { ...options, progress }));
}

function importArchive({ query, stream }: ApiRequest, rooms: Engine): Reply {
  const source = query.get("fromSrc") ?? "";
  const repository = query.get("repo") ?? "";
  const reference = repository === "" ? undefined : taggedName(repository, query.get("tag") ?? "");
  const archive = source === "-" ? stream : engine.downloadArchive(source);
  return progressReply(async (progress) => {
    await engine.importImage(rooms, archive, {
      reference,
      changes: query.getAll("changes"),
      message: query.get("message") || `Imported from ${source}`,
      platform: platformText(query),
      progress,
    });
  });
}

/** Name and tag in two parameters, as moby's RepoTagReference: a digest is refused, no tag is `latest`. */
export function taggedName(repository: string, tag: string): string {
  const reference = parseReference(repository);
  if (reference.digest) throw invalid("cannot import digest reference");
  return familiar(tag === "" ? withDefaultTag(reference) : withTag(reference, tag));
}

const push: Handler = (request, rooms) => {
  const { name, query, signal } = request;
  const tag = query.get("tag") ?? "";
  const reference = tag === "" ? familiar(parseReference(name)) : taggedName(name, tag);
  const options = { platform: platformJson(query), auth: auth(request), signal };
  return progressReply((progress) => engine.pushImage(rooms, reference, { ...options, progress }));
};

const tag: Handler = async ({ name, query }, rooms) => {
  const repository = query.get("repo") ?? "";
  if (repository === "") throw invalid("repo parameter is required");
  const target = taggedName(repository, query.get("tag") ?? "");
  if (/^sha256(?::|$)/.test(target))
    throw invalid("refusing to create an ambiguous tag using digest algorithm as name");
  await engine.tagImage(rooms, name, target);
  return empty(201);
};

const remove: Handler = async ({ name, query }, rooms) => {
  if (name.trim() === "") throw invalid("image name cannot be blank");
  const options = {
    force: flag(query, "force"),
    prune: !flag(query, "noprune"),
    platforms: query.getAll("platforms").map(decodePlatform),
  };
  return json(await engine.removeImage(rooms, name, options));
};

const load: Handler = ({ query, stream }, rooms) => {
  const options = { quiet: flag(query, "quiet", true), platform: platformJson(query) };
  const reply = progressReply((progress) => engine.loadImages(rooms, stream, { ...options, progress }));
  // moby's head says 200 before it looks at the archive: clients know what is wrong with one from the body.
  return { ...reply, lazy: false };
};

/** GET /images/get (`names`) and /images/{name}/get. */
const save: Handler = ({ name, query }, rooms) => {
  const names = name === "" ? query.getAll("names") : [name];
  const platform = platformJson(query);
  return {
    kind: "stream",
    contentType: "application/x-tar",
    lazy: true,
    async write(sink) {
      for await (const chunk of engine.saveImages(rooms, names, { platform })) await sink.write(chunk);
    },
  };
};

const prune: Handler = async ({ query }, rooms) => {
  const report = await engine.pruneImages(rooms, parseFilters(query.get("filters")));
  return json({
    ImagesDeleted: report.ImagesDeleted.length > 0 ? report.ImagesDeleted : null,
    SpaceReclaimed: report.SpaceReclaimed,
  });
};

export const handlers = {
  list,
  inspect,
  history,
  create,
  push,
  tag,
  remove,
  load,
  save,
  prune,
} satisfies Record<string, Handler>;

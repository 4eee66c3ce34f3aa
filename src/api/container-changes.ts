// The changes of a container's files: what they are, and what commits them.
import { invalid } from "../base/errors.ts";
import { commitContainer, containerChanges } from "../engine/index.ts";
import { taggedName } from "./images.ts";
import { flag, type Handler, json } from "./request.ts";
import type { ContainerConfig } from "./types/index.ts";

const KINDS = { changed: 0, added: 1, deleted: 2 } as const;
/** So many at a time are made JSON: of a hundred thousand the daemon would do nothing else for too long. */
const AT_ONCE = 1000;

const changes: Handler = async ({ name, signal }, rooms) => {
  const list = await containerChanges(rooms, name, signal);
  return {
    kind: "stream",
    contentType: "application/json",
    lazy: true,
    async write(sink) {
      // null, as Go writes a list that nobody made.
      if (list.length === 0) return sink.write("null\n");
      for (let at = 0; at < list.length; at += AT_ONCE) {
        const some = list
          .slice(at, at + AT_ONCE)
          .map(({ kind, path }) => JSON.stringify({ Path: path.toString(), Kind: KINDS[kind] }));
        await sink.write(`${at === 0 ? "[" : ","}${some.join(",")}`);
      }
      await sink.write("]\n");
    },
  };
};

const commit: Handler = async ({ query, body }, rooms) => {
  const container = query.get("container") ?? "";
  if (container === "") throw invalid('invalid name or ID supplied: ""');
  const repository = query.get("repo") ?? "";
  // `null` is decoded as a body without fields: either way the container's config is meant.
  const config = Object.keys(body ?? {}).length === 0 ? undefined : (body as ContainerConfig);
  const id = await commitContainer(rooms, container, {
    ...(repository && { reference: taggedName(repository, query.get("tag") ?? "") }),
    ...(config && { config }),
    changes: query.getAll("changes"),
    author: query.get("author") ?? "",
    comment: query.get("comment") ?? "",
    pause: flag(query, "pause", true),
  });
  return json({ Id: id }, 201);
};

export const handlers = { changes, commit } satisfies Record<string, Handler>;

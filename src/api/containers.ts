// The containers' part of the API: requests into the engine's use cases, their results into answers.
import { BerthError, invalid, messageOf } from "../base/errors.ts";
import type { WaitCondition } from "../containers/types.ts";
import * as engine from "../engine/index.ts";
import { parseFilters } from "./filters.ts";
import { empty, flag, type Handler, integer, json, terminalSize } from "./request.ts";
import { contentTypeOf, frame } from "./streams.ts";
import type { ContainerConfig, NetworkingConfig } from "./types/index.ts";
import type { CreateBody } from "./versions/create-body.ts";
import { has } from "./versions.ts";

const list: Handler = async ({ query }, rooms) =>
  json(
    await engine.listContainers(rooms, {
      all: flag(query, "all"),
      size: flag(query, "size"),
      limit: integer(query, "limit"),
      filters: withAge(query, parseFilters(query.get("filters"))),
    }),
  );

/** `since` and `before` are parameters of their own besides the filters of those names. */
function withAge(query: URLSearchParams, filters: Record<string, string[]>): Record<string, string[]> {
  const extended = { ...filters };
  for (const name of ["since", "before"]) {
    const value = query.get(name);
    if (value) extended[name] = [...(extended[name] ?? []), value];
  }
  return extended;
}

const create: Handler = async ({ query, body, warnings }, rooms) => {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  const { HostConfig: hostConfig = {}, NetworkingConfig: networking, ...config } = body as CreateBody;
  if (Object.keys(config).length === 0)
    throw invalid("config cannot be empty in order to create a container");
  if (hostConfig.PidsLimit != null && hostConfig.PidsLimit <= 0) delete hostConfig.PidsLimit;
  if (!hostConfig.NetworkMode) hostConfig.NetworkMode = "default";
  const created = await engine.createContainer(rooms, {
    name: query.get("name") ?? undefined,
    platform: query.get("platform") || undefined,
    config: config as ContainerConfig,
    hostConfig,
    networkingConfig: networking as NetworkingConfig | undefined,
  });
  return json({ ...created, Warnings: [...(created.Warnings ?? []), ...warnings] }, 201);
};

const inspect: Handler = async ({ name, query }, rooms) =>
  json(await engine.inspectContainer(rooms, name, { size: flag(query, "size") }));

const start: Handler = async ({ name, query, contentLength }, rooms) => {
  // A body was the host's settings before 1.24; `{}` and `null` of today's clients are shorter than any of those.
  if (contentLength > 7 || contentLength < 0)
    throw invalid(
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
  if (query.get("checkpoint"))
    throw new BerthError(
      "not-implemented",
      "starting a container from a checkpoint is not implemented in Berth",
    );
  return empty((await engine.startContainer(rooms, name)) === "unchanged" ? 304 : 204);
};

const stopOptions = (query: URLSearchParams) => ({
  signal: query.get("signal") || undefined,
  timeout: integer(query, "t"),
});

const stop: Handler = async ({ name, query }, rooms) =>
  empty((await engine.stopContainer(rooms, name, stopOptions(query))) === "unchanged" ? 304 : 204);

const restart: Handler = async ({ name, query }, rooms) => {
  await engine.restartContainer(rooms, name, stopOptions(query));
  return empty();
};

const kill: Handler = async ({ name, query }, rooms) => {
  try {
    await engine.killContainer(rooms, name, query.get("signal") ?? "");
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new BerthError(error.kind, `cannot kill container: ${name}: ${error.message}`, { cause: error });
  }
  return empty();
};

const pause: Handler = async ({ name }, rooms) => {
  await engine.pauseContainer(rooms, name);
  return empty();
};

const unpause: Handler = async ({ name }, rooms) => {
  await engine.unpauseContainer(rooms, name);
  return empty();
};

const rename: Handler = async ({ name, query }, rooms) => {
  const to = query.get("name") ?? "";
  if (to === "") throw invalid("Neither old nor new names may be empty");
  await engine.renameContainer(rooms, name, to);
  return empty();
};

const remove: Handler = async ({ name, query }, rooms) => {
  await engine.removeContainer(rooms, name, {
    force: flag(query, "force"),
    volumes: flag(query, "v"),
    link: flag(query, "link"),
  });
  return empty();
};

const wait: Handler = async ({ name, query, version, signal }, rooms) => {
  const condition = query.get("condition") || "not-running";
  if (!isCondition(condition)) throw invalid(`invalid condition: ${JSON.stringify(condition)}`);
  const { result } = await engine.waitContainer(rooms, name, condition, signal);
  return {
    kind: "stream",
    contentType: "application/json",
    lazy: !has(version, "wait-headers-first"),
    async write(sink) {
      let answer: Awaited<typeof result>;
      try {
        answer = await result;
      } catch (error) {
        if (signal.aborted) return;
        answer = { StatusCode: -1, Error: { Message: messageOf(error) } };
      }
      const silent = answer.Error && condition === "removed" && !has(version, "wait-removal-error");
      if (!silent) await sink.write(`${JSON.stringify(answer)}\n`);
    },
  };
};

const isCondition = (text: string): text is WaitCondition =>
  text === "not-running" || text === "next-exit" || text === "removed";

const logs: Handler = async ({ name, query, version, signal }, rooms) => {
  const stdout = flag(query, "stdout");
  const stderr = flag(query, "stderr");
  if (!stdout && !stderr) throw invalid("Bad parameters: you must choose at least one stream");
  const { tty, bytes } = await engine.containerLogs(
    rooms,
    name,
    {
      stdout,
      stderr,
      follow: flag(query, "follow"),
      since: query.get("since") ?? undefined,
      until: query.get("until") ?? undefined,
      timestamps: flag(query, "timestamps"),
      details: flag(query, "details"),
      tail: query.get("tail") || "all",
    },
    signal,
  );
  return {
    kind: "stream",
    contentType: contentTypeOf(tty, version),
    async write(sink) {
      for await (const piece of bytes) await sink.write(piece);
    },
    failed(error) {
      const text = `Error grabbing logs: ${messageOf(error)}\n`;
      return tty ? text : Buffer.from(frame("system", Buffer.from(text)));
    },
  };
};

const attach: Handler = async ({ name, query, version }, rooms) => {
  const attachment = await engine.attachContainer(rooms, name, {
    logs: flag(query, "logs"),
    stream: flag(query, "stream"),
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    stderr: flag(query, "stderr"),
    detachKeys: query.get("detachKeys") || undefined,
  });
  return { kind: "hijack", attachment, contentType: contentTypeOf(attachment.tty, version) };
};

const resize: Handler = async ({ name, query }, rooms) => {
  const { rows, columns } = terminalSize(query);
  await engine.resizeContainer(rooms, name, rows, columns);
  return empty(200);
};

const top: Handler = async ({ name, query }, rooms) =>
  json(await engine.topContainer(rooms, name, query.get("ps_args") ?? ""));

const prune: Handler = async ({ query }, rooms) => {
  const report = await engine.pruneContainers(rooms, parseFilters(query.get("filters")));
  return json({
    ContainersDeleted: report.deleted.length > 0 ? report.deleted : null,
    SpaceReclaimed: report.spaceReclaimed,
  });
};

export const handlers = {
  list,
  create,
  inspect,
  start,
  stop,
  restart,
  kill,
  pause,
  unpause,
  rename,
  remove,
  wait,
  logs,
  attach,
  resize,
  top,
  prune,
} satisfies Record<string, Handler>;

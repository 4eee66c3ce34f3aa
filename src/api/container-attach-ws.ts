// GET /containers/{id}/attach/ws: a container's streams over a WebSocket.
import * as engine from "../engine/index.ts";
import { flag, type Handler } from "./request.ts";
import { has } from "./versions.ts";
import { websocketKey } from "./websocket.ts";

const attach: Handler = async ({ name, query, version, headers, upgrade }, rooms) => {
  const all = !has(version, "attach-ws-streams");
  const wants = (stream: string) => all || flag(query, stream);
  const options = {
    logs: flag(query, "logs"),
    stream: flag(query, "stream"),
    stdin: wants("stdin"),
    stdout: wants("stdout"),
    stderr: wants("stderr"),
    detachKeys: query.get("detachKeys") || undefined,
  };
  const key = websocketKey(headers);
  // A container that isn't there is told of first, as by Docker.
  if (!upgrade || key === undefined) {
    await engine.inspectContainer(rooms, name, { size: false });
    return { kind: "text", status: 400, body: "not websocket protocol" };
  }
  return { kind: "websocket", key, attachment: await engine.attachContainer(rooms, name, options) };
};

export const handlers = { attach };

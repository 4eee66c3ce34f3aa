// The networks' part of the API.

import { invalid, notFound } from "../base/errors.ts";
import { goBoolean, notGoBoolean } from "../base/go-boolean.ts";
import * as engine from "../engine/index.ts";
import type { NetworkRequest } from "../networks/types.ts";
import { parseFilters } from "./filters.ts";
import { empty, type Handler, json } from "./request.ts";
import type { EndpointSettings } from "./types/index.ts";

const list: Handler = ({ query }, rooms) =>
  json(
    rooms.networks
      .list(parseFilters(query.get("filters")))
      .map((network) => rooms.networks.toApi(network, { containers: false })),
  );

const inspect: Handler = ({ name, query }, rooms) => {
  const text = query.get("verbose") ?? "";
  if (text !== "" && goBoolean(text) === undefined)
    throw invalid(`invalid value for verbose: ${text}: ${notGoBoolean(text)}`);
  const network = rooms.networks.find(name);
  const scope = query.get("scope") ?? "";
  if (scope !== "" && scope !== network.scope) throw notFound(`network ${name} not found`);
  return json(rooms.networks.toApi(network, { containers: true }));
};

const create: Handler = ({ body }, rooms) => {
  const { id } = engine.createNetwork(rooms, (body ?? {}) as NetworkRequest);
  return json({ Id: id, Warning: "" }, 201);
};

const connect: Handler = async ({ name, body }, rooms) => {
  const { Container: container = "", EndpointConfig: settings } = (body ?? {}) as {
    Container?: string;
    EndpointConfig?: EndpointSettings | null;
  };
  await engine.connectNetwork(rooms, name, container, settings ?? {});
  return empty(200);
};

const disconnect: Handler = async ({ name, body }, rooms) => {
  const { Container: container = "", Force: force = false } = (body ?? {}) as {
    Container?: string;
    Force?: boolean;
  };
  await engine.disconnectNetwork(rooms, name, container, { force });
  return empty(200);
};

const remove: Handler = ({ name }, rooms) => {
  engine.removeNetwork(rooms, name);
  return empty();
};

const prune: Handler = ({ query }, rooms) => {
  const removed = engine.pruneNetworks(rooms, parseFilters(query.get("filters")));
  return json({ NetworksDeleted: removed.length > 0 ? removed : null });
};

export const handlers = {
  list,
  inspect,
  create,
  connect,
  disconnect,
  remove,
  prune,
} satisfies Record<string, Handler>;

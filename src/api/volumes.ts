// The volumes' part of the API.
import * as engine from "../engine/index.ts";
import { parseFilters } from "./filters.ts";
import { empty, flag, type Handler, json } from "./request.ts";
import type { VolumeCreateOptions } from "./types/index.ts";

const list: Handler = ({ query }, rooms) => {
  const filters = parseFilters(query.get("filters"), "error reading volume filters: ");
  return json({
    Volumes: rooms.volumes.list(filters).map((volume) => rooms.volumes.toApi(volume)),
    Warnings: null,
  });
};

const inspect: Handler = ({ name }, rooms) => json(rooms.volumes.toApi(rooms.volumes.get(name)));

const create: Handler = async ({ body }, rooms) => {
  const request = (body ?? {}) as VolumeCreateOptions;
  const volume = await engine.createVolume(rooms, {
    name: request.Name,
    driver: request.Driver,
    labels: request.Labels,
    options: request.DriverOpts,
  });
  return json(rooms.volumes.toApi(volume), 201);
};

const remove: Handler = async ({ name, query }, rooms) => {
  await engine.removeVolume(rooms, name, { force: flag(query, "force") });
  return empty();
};

const prune: Handler = async ({ query }, rooms) => {
  const report = await engine.pruneVolumes(rooms, parseFilters(query.get("filters")));
  return json({
    VolumesDeleted: report.deleted.length > 0 ? report.deleted : null,
    SpaceReclaimed: report.spaceReclaimed,
  });
};

export const handlers = { list, inspect, create, remove, prune } satisfies Record<string, Handler>;

// The volumes' part of the API.
import { unavailable } from "../base/errors.ts";
import * as engine from "../engine/index.ts";
import { parseFilters } from "./filters.ts";
import { empty, flag, type Handler, json } from "./request.ts";
import type { VolumeCreateOptions } from "./types/index.ts";

const list: Handler = async ({ query }, rooms) => {
  const filters = parseFilters(query.get("filters"), "error reading volume filters: ");
  const { volumes, warnings } = await rooms.volumes.list(filters);
  return json({ Volumes: volumes, Warnings: warnings.length > 0 ? warnings : null });
};

const inspect: Handler = async ({ name }, rooms) => json(await rooms.volumes.inspect(name));

const create: Handler = async ({ body }, rooms) => {
  const request = (body ?? {}) as VolumeCreateOptions;
  const volume = await rooms.volumes.create({
    name: request.Name,
    driver: request.Driver,
    labels: request.Labels,
    options: request.DriverOpts,
  });
  return json(volume, 201);
};

/** Only what Swarm manages can be changed, and there is no Swarm. */
const update: Handler = () => {
  throw unavailable("volume update only valid for cluster volumes, but swarm is unavailable");
};

const remove: Handler = async ({ name, query }, rooms) => {
  await rooms.volumes.remove(name, { force: flag(query, "force") });
  return empty();
};

const prune: Handler = async ({ query }, rooms) => {
  const report = await engine.pruneVolumes(rooms, parseFilters(query.get("filters")));
  return json({ VolumesDeleted: report.deleted, SpaceReclaimed: report.spaceReclaimed });
};

export const handlers = { list, inspect, create, update, remove, prune } satisfies Record<string, Handler>;

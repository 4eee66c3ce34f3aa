// The engine itself: who it is, what it holds, what happens.
import { invalid, notFound } from "../base/errors.ts";
import { parseEpoch, parseNanoseconds } from "../containers/index.ts";
import * as engine from "../engine/index.ts";
import { checkAuth, decodeRegistryAuth, inspectDistribution } from "../images/index.ts";
import type { RegistryAuth } from "../images/types.ts";
import { parseFilters } from "./filters.ts";
import { flag, type Handler, integer, json } from "./request.ts";
import { has } from "./versions.ts";

const info: Handler = async (_request, rooms) => json(await engine.systemInfo(rooms));
const version: Handler = async (_request, rooms) => json(await engine.systemVersion(rooms));

const DISK_TYPES = ["container", "image", "volume", "build-cache"] as const;

const diskUsage: Handler = async ({ query }, rooms) => {
  const asked = query.getAll("type");
  const types = new Set(asked.length === 0 ? DISK_TYPES : asked.map(diskType));
  return json(await engine.diskUsage(rooms, types));
};

function diskType(text: string): (typeof DISK_TYPES)[number] {
  const type = DISK_TYPES.find((known) => known === text);
  if (!type) throw invalid(`unknown object type: ${text}`);
  return type;
}

const events: Handler = ({ query, version: apiVersion, signal }, rooms) => {
  const since = seconds(query.get("since"));
  const until = seconds(query.get("until"));
  if (until !== undefined && since !== undefined && until < since)
    throw invalid(
      `\`since\` time (${query.get("since")}) cannot be after \`until\` time (${query.get("until")})`,
    );
  const filters = parseFilters(query.get("filters"));
  const imageCreations = has(apiVersion, "image-create-events");
  return {
    kind: "stream",
    contentType: "application/json",
    async write(sink) {
      for await (const event of rooms.events.stream({ since, until, filters }, signal)) {
        if (!imageCreations && event.Type === "image" && event.Action === "create") continue;
        await sink.write(`${engine.eventJson(event)}\n`);
      }
    },
  };
};

/** Seconds since the epoch of a Unix time, an RFC 3339 time, or a duration ago (`10m`). */
function seconds(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const nanoseconds = parseEpoch(text) ?? parseNanoseconds(text);
  if (nanoseconds !== undefined) return Number(nanoseconds) / 1e9;
  const ago = duration(text);
  if (ago !== undefined) return Date.now() / 1000 - ago;
  throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Go's durations (`1h30m`) in seconds. */
function duration(text: string): number | undefined {
  if (!/^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(amount) * (UNITS[unit ?? ""] ?? 0);
  return text.startsWith("-") ? -sum : sum;
}

const pruneBuildCache: Handler = async ({ query }, rooms) => {
  const bytes = (name: string) => integer(query, name) ?? 0;
  const { deleted, spaceReclaimed } = await engine.pruneBuildCache(rooms, {
    all: flag(query, "all"),
    filters: parseFilters(query.get("filters")),
    reservedSpace: bytes("reserved-space") || bytes("keep-storage"),
    maxUsedSpace: bytes("max-used-space"),
    minFreeSpace: bytes("min-free-space"),
  });
  return json({ CachesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: spaceReclaimed });
};

const auth: Handler = async ({ body }, rooms) => {
  if (body === undefined) throw invalid("EOF");
  return json(await checkAuth(rooms, body as RegistryAuth));
};

const distribution: Handler = async ({ name, headers, signal }, rooms) => {
  const header = headers["x-registry-auth"];
  return json(
    await inspectDistribution(rooms, name, {
      auth: decodeRegistryAuth(Array.isArray(header) ? header[0] : header),
      signal,
    }),
  );
};

/** There are no plugins: the list is empty, and none is found. */
const plugins: Handler = () => json([]);
const plugin: Handler = ({ name }) => {
  throw notFound(`plugin ${JSON.stringify(name)} not found`);
};

export const handlers = {
  info,
  version,
  diskUsage,
  events,
  auth,
  distribution,
  pruneBuildCache,
  plugins,
  plugin,
} satisfies Record<string, Handler>;

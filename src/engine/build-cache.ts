// The build cache as the Engine API shows it: GET /system/df, POST /build/prune.
import type { BuildCache } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import type { Usage } from "../builder/index.ts";
import { builderOf } from "./builder.ts";
import type { Engine, Filters, PruneReport } from "./types.ts";

export async function buildCacheUsage(engine: Engine): Promise<BuildCache[]> {
  return (await (await builderOf(engine)).usage()).map(toApi);
}

const toApi = (record: Usage): BuildCache => ({
  ID: record.id,
  ...(record.parents.length > 0 && { Parents: record.parents }),
  Type: record.type as BuildCache["Type"],
  Description: record.description,
  InUse: record.inUse,
  Shared: record.shared,
  Size: record.size,
  CreatedAt: record.createdAt,
  LastUsedAt: record.lastUsedAt,
  UsageCount: record.usageCount,
});

export interface BuildCachePrune {
  all: boolean;
  filters: Filters;
  reservedSpace: number;
  maxUsedSpace: number;
  minFreeSpace: number;
}

const NAMES = new Set([
  "id",
  "parent",
  "type",
  "description",
  "inuse",
  "shared",
  "private",
  "mutable",
  "immutable",
]);
const UNITS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, ms: 1 };

/** Errors: invalid, in Docker's words. */
export async function pruneBuildCache(engine: Engine, request: BuildCachePrune): Promise<PruneReport> {
  const { until = [], "unused-for": unused = [], label, "label!": _, ...rest } = request.filters;
  for (const name of Object.keys(rest))
    if (!NAMES.has(name)) throw invalid(`failed to prune build cache: invalid filter '${name}'`);
  const [age] = [...until, ...unused];
  const terms = Object.entries(rest).flatMap(([name, values]) =>
    values.map((value) => (value === "" || value === "true" ? name : `${name}==${value}`)),
  );
  // No record has a label: Docker passes over the filter, and removes what the person wanted to keep.
  if (label) return { deleted: [], spaceReclaimed: 0 };
  const builder = await builderOf(engine);
  const removed = await builder.prune({
    all: request.all,
    filters: terms.length > 0 ? [terms.join(",")] : [],
    keepFor: age === undefined ? 0 : milliseconds(age),
    reservedSpace: request.reservedSpace,
    maxUsedSpace: request.maxUsedSpace,
    minFreeSpace: request.minFreeSpace,
  });
  const spaceReclaimed = removed.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0);
  engine.events.publish("builder", "prune", "", { reclaimed: String(spaceReclaimed) });
  return { deleted: removed.map(({ id }) => id), spaceReclaimed };
}

/** A duration as Go writes it, `24h30m`; Docker takes no other form here. */
function milliseconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join("") !== text)
    throw invalid(`failed to prune build cache: time: invalid duration ${JSON.stringify(text)}`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? "s"] ?? 0), 0);
}

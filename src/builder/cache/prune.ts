// Removal from the cache: what a person asks for, and what goes by itself when the cache grows too large. Least recently used first.
import { statfsSync } from "node:fs";
import { invalid } from "../../base/errors.ts";
import type { CacheBounds, CacheSpace, PruneRequest } from "../types.ts";
import type { Usage } from "./usage.ts";

/** Records to remove, in their order. Errors: invalid, for filters. */
export function chooseRecords(
  all: readonly Usage[],
  request: PruneRequest,
  root: string,
  now = Date.now(),
): Usage[] {
  const candidates = matching(all, request.filters, now)
    .filter(({ inUse }) => !inUse)
    .filter(({ type, shared }) => request.all || (type !== "internal" && type !== "frontend" && !shared))
    .filter(({ lastUsedAt }) => request.keepFor === 0 || now - Date.parse(lastUsedAt) >= request.keepFor);
  const total = all.reduce((sum, record) => sum + ownSize(record), 0);
  const keep = bytesToKeep(request, total, root);
  if (keep === undefined) return candidates;
  let left = total;
  const chosen: Usage[] = [];
  for (const record of [...candidates].sort(byUse)) {
    if (left <= keep) break;
    left -= ownSize(record);
    chosen.push(record);
  }
  return chosen;
}

/** What the cache alone has the disk full of. */
const ownSize = ({ size, shared }: Usage): number => (shared ? 0 : size);

/** Those that any of the filters takes; all where there is none. Errors: invalid. */
export function matching(all: readonly Usage[], filters: readonly string[], now = Date.now()): Usage[] {
  const matches = filters.filter(Boolean).map(parseFilter);
  if (matches.length === 0) return [...all];
  return all.filter((record) => matches.some((match) => match(record, now)));
}

/** Undefined: no bound is asked for. */
function bytesToKeep(request: PruneRequest, total: number, root: string): number | undefined {
  const { reservedSpace, maxUsedSpace, minFreeSpace } = request;
  if (reservedSpace === 0 && maxUsedSpace === 0 && minFreeSpace === 0) return undefined;
  let keep = maxUsedSpace > 0 ? maxUsedSpace : Number.POSITIVE_INFINITY;
  if (minFreeSpace > 0) {
    const { bavail, bsize } = statfsSync(root);
    keep = Math.min(keep, total - Math.max(0, minFreeSpace - bavail * bsize));
  }
  if (keep === Number.POSITIVE_INFINITY) return reservedSpace;
  return Math.max(keep, reservedSpace);
}

const byUse = (a: Usage, b: Usage): number => Date.parse(a.lastUsedAt) - Date.parse(b.lastUsedAt);

type Match = (record: Usage, now: number) => boolean;

/** containerd's filter syntax, as far as BuildKit's records have fields. */
function parseFilter(text: string): Match {
  const terms = text.split(",").map((term) => parseTerm(term.trim()));
  return (record, now) => terms.every((term) => term(record, now));
}

const FIELDS: Record<string, (record: Usage) => string> = {
  id: ({ id }) => id,
  parent: ({ parents }) => parents.join(","),
  parents: ({ parents }) => parents.join(","),
  description: ({ description }) => description,
  type: ({ type }) => type,
  inuse: ({ inUse }) => String(inUse),
  mutable: ({ mutable }) => String(mutable),
  immutable: ({ mutable }) => String(!mutable),
  shared: ({ shared }) => String(shared),
  private: ({ shared }) => String(!shared),
};

function parseTerm(term: string): Match {
  const [, name = "", operator = "", quoted = ""] = /^([a-z-]+)\s*(==|!=|~=|=)?\s*(.*)$/i.exec(term) ?? [];
  const value = quoted.replace(/^"(.*)"$/, "$1");
  const field = FIELDS[name.toLowerCase()];
  if (!field) throw invalid(`invalid filter: ${term}`);
  // Presence: a flag that is so.
  if (operator === "")
    return (record) => field(record) === "true" || (field(record) !== "" && field(record) !== "false");
  if (operator === "~=") {
    const pattern = patternOf(value);
    return (record) => pattern?.test(field(record)) ?? false;
  }
  return (record) => (field(record) === value) === (operator !== "!=");
}

/** Undefined for what is no expression: containerd's filters log it, and nothing fits. */
function patternOf(text: string): RegExp | undefined {
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}

const PARTS = { reserved: 0.1, most: 0.75, free: 0.2 };
const HOUR = 3600_000;
/** Of what is quickly made again: its part of the reserved space (moby calls it e·π·φ percent), and the least. */
const TEMPORARY = { part: 0.138, least: 512e6 };

/** What goes of the cache without anybody's asking, in the order of their application. */
export const policiesOf = ({ policies, defaults }: CacheBounds, root: string): readonly PruneRequest[] =>
  policies ?? usualPolicies(isSaid(defaults) ? defaults : partsOf(root));

const isSaid = ({ reservedSpace, maxUsedSpace, minFreeSpace }: CacheSpace): boolean =>
  reservedSpace > 0 || maxUsedSpace > 0 || minFreeSpace > 0;

/** Docker's (moby, builder-next/worker/gc.go). */
function usualPolicies(bounds: CacheSpace): PruneRequest[] {
  const policy = { all: false, filters: [], keepFor: 0, ...bounds };
  return [
    {
      ...policy,
      filters: ["type==source.local", "type==exec.cachemount", "type==source.git.checkout"],
      keepFor: 48 * HOUR,
      reservedSpace: 0,
      maxUsedSpace: Math.max(TEMPORARY.least, Math.round(bounds.reservedSpace * TEMPORARY.part)),
      minFreeSpace: 0,
    },
    { ...policy, keepFor: 60 * 24 * HOUR },
    policy,
    { ...policy, all: true },
  ];
}

function partsOf(root: string): CacheSpace {
  const { blocks, bsize } = statfsSync(root);
  const size = blocks * bsize;
  return {
    reservedSpace: Math.floor(size * PARTS.reserved),
    maxUsedSpace: Math.floor(size * PARTS.most),
    minFreeSpace: Math.floor(size * PARTS.free),
  };
}

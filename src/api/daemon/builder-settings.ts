// daemon.json's `builder`: what builds may be granted, and what of their cache goes by itself (moby daemon/config/builder.go,
// daemon/internal/builder-next/controller.go: getGCPolicy). Keys of `gc` count in any case, as Go reads them.
import { messageOf } from "../../base/errors.ts";
import { parseTimestamp } from "../../base/timestamp.ts";
import type { CacheBounds, CacheSpace, PruneRequest } from "../../builder/types.ts";
import { bytes, isRecord } from "./values.ts";

export interface BuilderSettings {
  entitlements: string[];
  cacheBounds: CacheBounds;
}

/** What a build may be granted, by daemon.json's names and by BuildKit's, and whether it is where nothing is said. */
const GRANTS: Readonly<Record<string, { name: string; fallback: boolean }>> = {
  "network-host": { name: "network.host", fallback: true },
  "security-insecure": { name: "security.insecure", fallback: false },
  device: { name: "device", fallback: true },
};

/** Throws an Error for what makes no sense. */
export function builderSettings(value: Record<string, unknown>): BuilderSettings {
  const { entitlements = {}, gc = {}, ...others } = withLowerKeys("builder", value, ["entitlements", "gc"]);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new Error(
      `the builder's settings but for "entitlements" and "gc" are not implemented in Berth: leave the key "builder.${unknown}" out`,
    );
  return { entitlements: entitlementsOf(entitlements), cacheBounds: boundsOf(gc) };
}

function entitlementsOf(entitlements: unknown): string[] {
  if (!isRecord(entitlements)) throw new Error("json: the builder's entitlements must be an object");
  for (const [key, value] of Object.entries(entitlements)) {
    if (!Object.hasOwn(GRANTS, key))
      throw new Error(
        `the builder has no entitlement ${JSON.stringify(key)}: it has ${Object.keys(GRANTS).join(", ")}`,
      );
    if (typeof value !== "boolean")
      throw new Error(`json: the builder's entitlement ${key} must be true or false`);
  }
  return Object.entries(GRANTS)
    .filter(([key, { fallback }]) => entitlements[key] ?? fallback)
    .map(([, { name }]) => name);
}

const NOTHING: CacheSpace = { reservedSpace: 0, maxUsedSpace: 0, minFreeSpace: 0 };

const DEFAULT_KEYS = [
  "enabled",
  "policy",
  "defaultReservedSpace",
  "defaultKeepStorage",
  "defaultMaxUsedSpace",
  "defaultMinFreeSpace",
];

function boundsOf(gc: unknown): CacheBounds {
  if (!isRecord(gc)) throw new Error("json: builder.gc must be an object");
  const where = "builder.gc";
  const read = withLowerKeys(where, gc, DEFAULT_KEYS);
  refuseUnknown(where, read, DEFAULT_KEYS);
  const { policy } = read;
  const enabled = flagOf(read, "enabled", where, true);
  const defaults: CacheSpace = {
    reservedSpace: sizeOf(read, "defaultReservedSpace", where) || sizeOf(read, "defaultKeepStorage", where),
    maxUsedSpace: sizeOf(read, "defaultMaxUsedSpace", where),
    minFreeSpace: sizeOf(read, "defaultMinFreeSpace", where),
  };
  if (policy !== undefined && policy !== null && !Array.isArray(policy))
    throw new Error("json: builder.gc.policy must be a list of rules");
  const policies = Array.isArray(policy)
    ? policy.map((rule: unknown, at) => policyOf(rule, `builder.gc.policy[${at}]`))
    : undefined;
  if (!enabled) return { defaults: NOTHING, policies: [] };
  return { defaults, ...(policies && { policies }) };
}

const RULE_KEYS = ["all", "filter", "reservedSpace", "keepStorage", "maxUsedSpace", "minFreeSpace"];

function policyOf(rule: unknown, where: string): PruneRequest {
  if (!isRecord(rule)) throw new Error(`json: ${where} must be an object`);
  const read = withLowerKeys(where, rule, RULE_KEYS);
  refuseUnknown(where, read, RULE_KEYS);
  return {
    all: flagOf(read, "all", where, false),
    ...filtersOf(read.filter, `${where}.filter`),
    reservedSpace: sizeOf(read, "reservedSpace", where) || sizeOf(read, "keepStorage", where),
    maxUsedSpace: sizeOf(read, "maxUsedSpace", where),
    minFreeSpace: sizeOf(read, "minFreeSpace", where),
  };
}

const FIELDS = ["id", "parent", "type", "description", "inuse", "shared", "private"];

/** `["unused-for=48h", "type==regular"]`, which all have to hold. */
function filtersOf(value: unknown, where: string): Pick<PruneRequest, "filters" | "keepFor"> {
  const given = new Map<string, string>();
  for (const [name, text] of filterPairs(value, where)) {
    if (given.has(name)) throw new Error(`${where}: filters expect only one value: ${JSON.stringify(name)}`);
    given.set(name, text);
  }
  const unused = given.get("unused-for");
  const age = given.get("until") ?? unused;
  if (unused !== undefined && given.has("until"))
    throw new Error(`${where}: conflicting filters: "until" and "unused-for"`);
  given.delete("until");
  given.delete("unused-for");
  const terms = [...given].map(([name, text]) => {
    if (!FIELDS.includes(name)) throw new Error(`${where}: invalid filter '${name}'`);
    if (text === "") return name;
    return name === "id" ? `id~=${text}` : `${name}==${text}`;
  });
  return {
    filters: terms.length > 0 ? [terms.join(",")] : [],
    keepFor: age === undefined ? 0 : ageOf(age, where),
  };
}

/** Also in the form of older files: `{"unused-for": {"48h": true}}`. */
function filterPairs(value: unknown, where: string): [string, string][] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string"))
    return value.map((item) => {
      const [name = "", ...rest] = item.split("=");
      // What people write as BuildKit has it, with two of them.
      return [name.trim().toLowerCase(), rest.join("=").replace(/^=/, "").trim()];
    });
  if (isRecord(value) && Object.values(value).every(isRecord))
    return Object.entries(value).flatMap(([name, values]) =>
      Object.keys(values as Record<string, unknown>).map((text): [string, string] => [name, text]),
    );
  throw new Error(`json: ${where} must be a list of filters`);
}

/** Milliseconds since then. */
function ageOf(text: string, where: string): number {
  try {
    const now = Date.now();
    return Math.max(0, now - parseTimestamp(text, now));
  } catch (thrown) {
    throw new Error(
      `${where}: the filter expects a duration (e.g., '24h') or a timestamp: ${messageOf(thrown)}`,
    );
  }
}

function flagOf(read: Record<string, unknown>, key: string, where: string, fallback: boolean): boolean {
  const value = read[key] ?? fallback;
  if (typeof value === "boolean") return value;
  throw new Error(`json: ${where}.${key} must be true or false`);
}

/** Bytes; 0: not said. */
function sizeOf(read: Record<string, unknown>, key: string, where: string): number {
  const value = read[key] ?? "";
  if (typeof value !== "string") throw new Error(`json: ${where}.${key} must be a text, as "10GB"`);
  if (value === "") return 0;
  try {
    return bytes(value);
  } catch (thrown) {
    throw new Error(`failed to parse ${where}.${key}: ${messageOf(thrown)}`);
  }
}

/** The known keys in their own spelling, however they are written. */
function withLowerKeys(
  where: string,
  value: Record<string, unknown>,
  known: readonly string[],
): Record<string, unknown> {
  const spelling = new Map(known.map((key) => [key.toLowerCase(), key]));
  const read: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const own = spelling.get(key.toLowerCase()) ?? key;
    if (Object.hasOwn(read, own)) throw new Error(`json: ${where}.${own} is there twice`);
    read[own] = item;
  }
  return read;
}

function refuseUnknown(where: string, read: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(read).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new Error(`${where} has no setting ${JSON.stringify(unknown)}: it has ${known.join(", ")}`);
}

// A target of a bake file: its fields, how one stands on another, and how it is printed.
import type { CacheSpec } from "../../sdk/index.ts";
import type { OutputOption } from "../build-options/outputs.ts";

export interface Attestation {
  type: string;
  disabled: boolean;
  attributes: Record<string, string>;
}

export interface SecretOption {
  id: string;
  file?: string;
  env?: string;
}

export interface SshOption {
  id: string;
  paths: string[];
}

export interface Target {
  name: string;
  description?: string;
  inherits?: string[];
  annotations?: string[];
  attest?: Attestation[];
  context?: string;
  contexts?: Record<string, string>;
  dockerfile?: string;
  "dockerfile-inline"?: string;
  args?: Record<string, string>;
  labels?: Record<string, string>;
  tags?: string[];
  "cache-from"?: CacheSpec[];
  "cache-to"?: CacheSpec[];
  target?: string;
  secret?: SecretOption[];
  ssh?: SshOption[];
  platforms?: string[];
  output?: OutputOption[];
  pull?: boolean;
  "no-cache"?: boolean;
  network?: string;
  "no-cache-filter"?: string[];
  "shm-size"?: string;
  ulimits?: string[];
  call?: string;
  entitlements?: string[];
  "extra-hosts"?: Record<string, string>;
}

export interface Group {
  name: string;
  description?: string;
  targets: string[];
}

/** Kinds of fields; together with the lists of options all that a target has. */
export const TEXT_FIELDS = [
  "description",
  "context",
  "dockerfile",
  "dockerfile-inline",
  "target",
  "network",
  "shm-size",
  "call",
] as const;
export const TRUTH_FIELDS = ["pull", "no-cache"] as const;
export const MAP_FIELDS = ["contexts", "args", "labels", "extra-hosts"] as const;
export const LIST_FIELDS = [
  "inherits",
  "annotations",
  "tags",
  "platforms",
  "no-cache-filter",
  "ulimits",
  "entitlements",
] as const;
export const OPTION_FIELDS = ["attest", "cache-from", "cache-to", "secret", "ssh", "output"] as const;

/** Of these the later list is the whole list; others grow. */
const REPLACED = new Set<string>(["tags", "platforms", "cache-to", "output"]);

/** What `from` says is added to `into`, which it goes over. */
export function mergeTarget(into: Target, from: Target): void {
  for (const field of TEXT_FIELDS) if (from[field] !== undefined) into[field] = from[field];
  for (const field of TRUTH_FIELDS) if (from[field] !== undefined) into[field] = from[field];
  for (const field of MAP_FIELDS) if (from[field]) into[field] = { ...into[field], ...from[field] };
  for (const field of LIST_FIELDS) {
    const list = from[field];
    if (list) into[field] = REPLACED.has(field) ? [...list] : [...(into[field] ?? []), ...list];
  }
  for (const field of OPTION_FIELDS) mergeOptions(into, from, field);
}

function mergeOptions<F extends (typeof OPTION_FIELDS)[number]>(into: Target, from: Target, field: F): void {
  const list = from[field];
  if (!list) return;
  const before = REPLACED.has(field) ? [] : (into[field] ?? []);
  into[field] = withoutDoubles([...before, ...list] as never) as Target[F];
}

/** Secrets and keys of one id, attestations of one type: the later; other options: the earlier of two alike. */
export function withoutDoubles<T extends object>(options: T[]): T[] {
  const found = new Map<string, T>();
  for (const option of options) {
    const key =
      "id" in option
        ? String(option.id)
        : "disabled" in option
          ? (option as unknown as Attestation).type
          : JSON.stringify(option);
    found.set(key, option);
  }
  return [...found.values()];
}

/** Without doubles and empty words; what the network needs is among the entitlements. */
export function normalize(target: Target): void {
  for (const field of LIST_FIELDS) {
    const list = target[field];
    if (list) target[field] = [...new Set(list)].filter(Boolean);
  }
  for (const field of OPTION_FIELDS) {
    const list = target[field];
    if (list) target[field] = withoutDoubles(list as never) as never;
  }
  if (target.network === "host")
    target.entitlements = [...new Set([...(target.entitlements ?? []), "network.host"])];
  if (target.contexts) {
    const kept = Object.entries(target.contexts).filter(([, source]) => source !== "");
    if (kept.length > 0) target.contexts = Object.fromEntries(kept);
    else delete target.contexts;
  }
}

const sorted = <T>(map: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

/** As a bake file in JSON would have to say it: what begins an expression is doubled. */
const escaped = (text: string) => text.replace(/([$%])(?=\{)/g, (sign) => sign + sign);
const escapedMap = (map: Record<string, string>) =>
  sorted(Object.fromEntries(Object.entries(map).map(([key, text]) => [key, escaped(text)])));

/** For `--print`: fields in buildx's order, options as objects with their keys in order. */
export function printed(target: Target): Record<string, unknown> {
  const { contexts, args, labels, annotations } = target;
  const hosts = target["extra-hosts"];
  const inline = target["dockerfile-inline"];
  const all: Record<string, unknown> = {
    description: target.description,
    annotations: annotations?.map(escaped),
    attest: target.attest?.map(({ type, disabled, attributes }) =>
      sorted({ ...attributes, type, ...(disabled && { disabled: true }) }),
    ),
    context: target.context,
    contexts: contexts && sorted(contexts),
    dockerfile: target.dockerfile,
    "dockerfile-inline": inline === undefined ? undefined : escaped(inline),
    args: args && escapedMap(args),
    labels: labels && escapedMap(labels),
    tags: target.tags,
    "cache-from": target["cache-from"]?.map(({ type, attributes }) => sorted({ ...attributes, type })),
    "cache-to": target["cache-to"]?.map(({ type, attributes }) => sorted({ ...attributes, type })),
    target: target.target,
    secret: target.secret?.map(({ id, file, env }) => ({
      ...(id && { id }),
      ...(file && { src: file }),
      ...(env && { env }),
    })),
    ssh: target.ssh?.map(({ id, paths }) => ({ id, ...(paths.length > 0 && { paths }) })),
    platforms: target.platforms,
    output: target.output?.map(({ type, destination, attributes }) =>
      sorted({ ...attributes, type, ...(destination && { dest: destination }) }),
    ),
    pull: target.pull,
    "no-cache": target["no-cache"],
    network: target.network,
    "no-cache-filter": target["no-cache-filter"],
    "shm-size": target["shm-size"],
    ulimits: target.ulimits,
    call: target.call,
    entitlements: target.entitlements,
    "extra-hosts": hosts && escapedMap(hosts),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);

// The filters of `docker images` and `image prune`, with the meaning they have in dockerd (daemon/containerd,
// image_list.go): each asks about one record.
import { invalid } from "../base/errors.ts";
import { parseTimestamp } from "../base/timestamp.ts";
import { familiar, familiarRepository } from "../oci/reference.ts";
import type { ImageConfig } from "../oci/types.ts";
import type { ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { bestManifest, inspectManifest, manifestsOf } from "./manifests.ts";
import { isDangling, referenceOf, resolveRecord } from "./names.ts";

/** `filters` as the API has them, parsed: name → values. */
export type ImageFilters = Record<string, string[]>;
export type RecordFilter = (record: ImageRecord) => Promise<boolean>;

/** Errors: invalid for a filter that isn't among the accepted ones. */
export function checkFilters(filters: ImageFilters, accepted: readonly string[]): void {
  for (const name of Object.keys(filters))
    if (!accepted.includes(name)) throw invalid(`invalid filter '${name}'`);
}

/** A filter's one boolean value. Errors: invalid for anything else. */
export function booleanFilter(filters: ImageFilters, name: string, otherwise: boolean): boolean {
  const values = filters[name];
  if (!values || values.length === 0) return otherwise;
  const yes = values.includes("true") || values.includes("1");
  const no = values.includes("false") || values.includes("0");
  if (yes === no) throw invalid(`invalid filter '${name}=[${values.join(" ")}]'`);
  return yes;
}

/** All filters as one question. Errors: invalid, and not-found for `before` and `since`. */
export async function recordFilter(context: ImageContext, filters: ImageFilters): Promise<RecordFilter> {
  const tests: RecordFilter[] = [];
  for (const [name, isKept] of [
    ["before", (own: number, other: number) => own < other],
    ["since", (own: number, other: number) => own > other],
  ] as const)
    for (const value of filters[name] ?? []) {
      const limit = await createdAt(context, resolveRecord(context.store.images, value));
      if (limit === undefined) continue;
      tests.push(async (record) => {
        const own = await createdAt(context, record).catch(() => undefined);
        return own !== undefined && isKept(own, limit);
      });
    }
  for (const value of filters.until ?? []) {
    const until = parseTimestamp(value);
    tests.push(async (record) => Date.parse(record.createdAt) < until);
  }
  if (filters.dangling?.length) {
    const dangling = booleanFilter(filters, "dangling", false);
    tests.push(async (record) => isDangling(record) === dangling);
  }
  if (filters.reference?.length) {
    const patterns = filters.reference;
    tests.push(async (record) => matchesReference(record, patterns));
  }
  const labels = labelChecks(filters);
  if (labels.length > 0) tests.push((record) => matchesLabels(context, record, labels));
  return async (record) => {
    for (const test of tests) if (!(await test(record))) return false;
    return true;
  };
}

/** Milliseconds since the epoch, from the best manifest's config. */
async function createdAt(
  { store, environment }: ImageContext,
  record: ImageRecord,
): Promise<number | undefined> {
  const { config } = await bestManifest(store.content, record, undefined, environment.platform);
  return config.created === undefined ? undefined : Date.parse(config.created);
}

function matchesReference(record: ImageRecord, patterns: string[]): boolean {
  const reference = referenceOf(record);
  if (!reference) return false;
  return patterns.some((pattern) => {
    const expression = globExpression(pattern);
    return expression?.test(familiar(reference)) || expression?.test(familiarRepository(reference)) || false;
  });
}

/** Go's path.Match as a regular expression; undefined for a malformed pattern. */
export function globExpression(pattern: string): RegExp | undefined {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at));
      if (!set) return undefined;
      const members = (set[2] ?? "").replace(
        /\\(.)|([\]^[])/g,
        (_, escaped = "", special = "") => `\\${escaped || special}`,
      );
      source += `[${set[1]}${members}]`;
      at += set[0].length - 1;
    } else if (character === "\\") {
      at++;
      if (at === pattern.length) return undefined;
      source += quoted(pattern[at] ?? "");
    } else source += quoted(character);
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch {
    return undefined;
  }
}

const quoted = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");

interface LabelCheck {
  key: string;
  value: string | undefined;
  negate: boolean;
}

function labelChecks(filters: ImageFilters): LabelCheck[] {
  return (["label", "label!"] as const).flatMap((name) =>
    (filters[name] ?? []).map((text) => {
      const at = text.indexOf("=");
      const key = at < 0 ? text : text.slice(0, at);
      const value = at < 0 ? undefined : text.slice(at + 1);
      const negate = name === "label!";
      // "key!=value" turns the question round once more.
      return key.endsWith("!") ? { key: key.slice(0, -1), value, negate: !negate } : { key, value, negate };
    }),
  );
}

/** True when the config of any manifest that is here answers all checks. */
async function matchesLabels(
  { store: { content } }: ImageContext,
  record: ImageRecord,
  checks: LabelCheck[],
): Promise<boolean> {
  for (const descriptor of await manifestsOf(content, record.target)) {
    const { config } = await inspectManifest(content, descriptor);
    if (config && answersChecks(config, checks)) return true;
  }
  return false;
}

function answersChecks(config: ImageConfig, checks: LabelCheck[]): boolean {
  const labels = config.config?.Labels ?? {};
  return checks.every(({ key, value, negate }) => {
    const own = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (value === undefined) return (own !== undefined) !== negate;
    return own !== undefined && (own === value) !== negate;
  });
}

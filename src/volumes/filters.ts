// The filters of `volume ls` and `volume prune`.

import { invalid } from "../base/errors.ts";
import { goBoolean, notGoBoolean } from "../base/go-boolean.ts";
import type { VolumeFilters, VolumeRecord } from "./types.ts";

const LIST = ["dangling", "driver", "label", "name"];
const PRUNE = ["label", "label!", "all"];

type Matches = (volume: VolumeRecord) => boolean;

/** Errors: invalid for filters that there are not, or values that make no sense. */
export function listFilter(filters: VolumeFilters, used: (name: string) => boolean): Matches {
  refuseUnknown(filters, LIST);
  const dangling = booleanOf(filters, "dangling");
  const drivers = filters.driver ?? [];
  const names = (filters.name ?? []).map(pattern);
  const labels = labelFilter(filters);
  return (volume) =>
    (dangling === undefined || used(volume.id) !== dangling) &&
    (drivers.length === 0 || drivers.includes(volume.driver)) &&
    (names.length === 0 || names.some((matches) => matches(volume.id))) &&
    labels(volume);
}

/** Without `all=true` only anonymous volumes; those with driver options hold nothing of ours to give back. */
export function pruneFilter(filters: VolumeFilters): Matches {
  refuseUnknown(filters, PRUNE);
  if ((filters.all?.length ?? 0) > 1)
    throw invalid(`invalid filter 'all=[${filters.all?.join(" ")}]': only one value is expected`);
  const [word] = filters.all ?? [];
  if (word !== undefined && goBoolean(word) === undefined)
    throw invalid(`invalid filter 'all': ${notGoBoolean(word)}`);
  const all = booleanOf(filters, "all") ?? false;
  const labels = labelFilter(filters);
  // A volume that only says by its label that it is anonymous is so for Docker.
  return (volume) =>
    (all || volume.labels?.["com.docker.volume.anonymous"] !== undefined) &&
    Object.keys(volume.options ?? {}).length === 0 &&
    labels(volume);
}

function refuseUnknown(filters: VolumeFilters, known: string[]): void {
  for (const name of Object.keys(filters))
    if (!known.includes(name)) throw invalid(`invalid filter '${name}'`);
}

function booleanOf(filters: VolumeFilters, name: string): boolean | undefined {
  const values = filters[name];
  if (!values || values.length === 0) return undefined;
  const word = values.length === 1 ? values[0] : undefined;
  const truth = word === undefined ? undefined : goBoolean(word);
  if (truth !== undefined) return truth;
  throw invalid(`invalid filter '${name}=[${values.join(" ")}]'`);
}

/** A name's filter is a regular expression that may match anywhere; one that is no expression is taken literally. */
function pattern(text: string): (name: string) => boolean {
  try {
    const expression = new RegExp(text);
    return (name) => name === text || expression.test(name);
  } catch {
    return (name) => name === text;
  }
}

/** "KEY" or "KEY=VALUE"; all of `label` must be there, none of `label!`. */
function labelFilter(filters: VolumeFilters): Matches {
  const has = (volume: VolumeRecord) => (wanted: string) => {
    const at = wanted.indexOf("=");
    const key = at < 0 ? wanted : wanted.slice(0, at);
    const value = volume.labels?.[key];
    return value !== undefined && (at < 0 || value === wanted.slice(at + 1));
  };
  return (volume) => (filters.label ?? []).every(has(volume)) && !(filters["label!"] ?? []).some(has(volume));
}

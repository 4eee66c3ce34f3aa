// Functions on lists, sets and maps.
import type { HclFunction } from "../evaluate.ts";
import type { Value } from "../types.ts";
import { entriesOf, equal, isMap, toList, toMap, toNumber, toText } from "../values.ts";

const has = (list: Value[], value: Value) => list.some((item) => equal(item, value));
const distinct = (list: Value[]) =>
  list.filter((item, index) => list.findIndex((one) => equal(one, item)) === index);
/** Sets are walked over in this order. */
const asSet = (list: Value[]) =>
  distinct(list).sort((a, b) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a) < String(b)
        ? -1
        : String(a) > String(b)
          ? 1
          : 0,
  );

function flat(list: Value[]): Value[] {
  return list.flatMap((item) => (Array.isArray(item) ? flat(item) : [item]));
}

function indexIn(list: Value, value: Value): number {
  const index = toList(list).findIndex((item) => equal(item, value));
  if (index < 0) throw new Error("item not found");
  return index;
}

function range(args: Value[]): number[] {
  const numbers = args.map(toNumber);
  const [start = 0, end = 0] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const step = numbers[2] ?? (end < start ? -1 : 1);
  if (step === 0) throw new Error("step must not be zero");
  const found: number[] = [];
  for (let at = start; step > 0 ? at < end : at > end; at += step) {
    found.push(at);
    if (found.length > 1024)
      throw new Error(
        "more than 1024 values were generated; either decrease the difference between start and end or use a smaller step",
      );
  }
  return found;
}

export const collections: Record<string, HclFunction> = {
  chunklist: (list, size) => {
    const [items, count] = [toList(list ?? null), toNumber(size ?? 0)];
    if (count <= 0) return [items];
    return Array.from({ length: Math.ceil(items.length / count) }, (_, i) =>
      items.slice(i * count, (i + 1) * count),
    );
  },
  coalesce: (...values) => {
    const found = values.find((value) => value !== null);
    if (found === undefined) throw new Error("no non-null arguments");
    return found;
  },
  coalescelist: (...lists) => {
    const found = lists.find((list) => Array.isArray(list) && list.length > 0);
    if (found === undefined) throw new Error("no non-null arguments");
    return found;
  },
  compact: (list) => toList(list ?? null).filter((item) => item !== "" && item !== null),
  concat: (...lists) => lists.flatMap(toList),
  contains: (list, value) => has(toList(list ?? null), value ?? null),
  distinct: (list) => distinct(toList(list ?? null)),
  element: (list, index) => {
    const items = toList(list ?? null);
    if (items.length === 0) throw new Error("cannot use element function with an empty list");
    const at = toNumber(index ?? 0) % items.length;
    return items[at < 0 ? at + items.length : at] ?? null;
  },
  flatten: (list) => flat(toList(list ?? null)),
  hasindex: (collection, key) =>
    Array.isArray(collection)
      ? toNumber(key ?? -1) >= 0 && toNumber(key ?? -1) < collection.length
      : toMap(collection ?? null).has(toText(key ?? null)),
  index: (collection, key) => {
    const value = Array.isArray(collection)
      ? collection[toNumber(key ?? -1)]
      : toMap(collection ?? null).get(toText(key ?? null));
    if (value === undefined) throw new Error("index out of range");
    return value;
  },
  indexof: (list, value) => indexIn(list ?? null, value ?? null),
  keys: (map) => entriesOf(toMap(map ?? null)).map(([key]) => key),
  length: (value) => {
    if (Array.isArray(value)) return value.length;
    if (value !== null && value !== undefined && isMap(value)) return value.size;
    throw new Error("collection must be a list, a map or a tuple");
  },
  lookup: (map, key, fallback) => {
    const found = toMap(map ?? null).get(toText(key ?? null)) ?? fallback;
    if (found === undefined) throw new Error(`the given key ${JSON.stringify(key)} was not found`);
    return found;
  },
  merge: (...maps) => new Map(maps.filter((map) => map !== null).flatMap((map) => [...toMap(map)])),
  range: (...args) => range(args),
  reverselist: (list) => [...toList(list ?? null)].reverse(),
  sethaselement: (set, value) => has(toList(set ?? null), value ?? null),
  setintersection: (first, ...others) =>
    asSet(toList(first ?? null).filter((item) => others.every((other) => has(toList(other), item)))),
  setproduct: (...sets) =>
    sets.reduce<Value[][]>(
      (found, set) => found.flatMap((head) => toList(set).map((item) => [...head, item])),
      [[]],
    ),
  setsubtract: (set, other) => asSet(toList(set ?? null).filter((item) => !has(toList(other ?? null), item))),
  setsymmetricdifference: (...sets) =>
    asSet(
      sets.flatMap(toList).filter((item) => sets.filter((set) => has(toList(set), item)).length % 2 === 1),
    ),
  setunion: (...sets) => asSet(sets.flatMap(toList)),
  slice: (list, start, end) => {
    const [items, from, to] = [toList(list ?? null), toNumber(start ?? 0), toNumber(end ?? 0)];
    if (from < 0 || to > items.length || from > to)
      throw new Error("start and end must be indices of the list");
    return items.slice(from, to);
  },
  sort: (list) =>
    toList(list ?? null)
      .map(toText)
      .sort(),
  values: (map) => entriesOf(toMap(map ?? null)).map(([, value]) => value),
  zipmap: (keys, values) =>
    new Map(toList(keys ?? null).map((key, index) => [toText(key), toList(values ?? null)[index] ?? null])),
};

// The `filters` parameter: {"label":{"a=b":true}} and the older {"label":["a=b"]} become {label: ["a=b"]}.
import { invalid } from "../base/errors.ts";
import type { Filters } from "../engine/types.ts";

/** Errors: invalid "invalid filter", as moby's filters.FromJSON. Names are checked by who knows them. */
export function parseFilters(text: string | null, context = ""): Filters {
  const refuse = () => invalid(`${context}invalid filter`);
  if (text === null || text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse();
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw refuse();
  const entries = Object.entries(value).map(([name, given]): [string, string[]] => {
    if (given === null) return [name, []];
    if (Array.isArray(given) && given.every((item) => typeof item === "string")) return [name, given];
    if (typeof given === "object" && Object.values(given).every((item) => typeof item === "boolean"))
      return [name, Object.keys(given)];
    throw refuse();
  });
  return Object.fromEntries(entries);
}

// Holds an outcome against what was recorded, field by field.
import type { Difference } from "./case.ts";
import type { Expected } from "./expected-form.ts";

/** What was recorded, with the fields in which Berth differs on purpose as Berth has them. */
export function withDifferences(recorded: Expected, differences: Difference[]): Expected {
  const expected = structuredClone(recorded) as Record<string, unknown>;
  for (const { field, ours } of differences) {
    const path = field.split(".");
    const last = path.pop() ?? "";
    let at = expected;
    for (const step of path) {
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    if (ours === undefined) delete at[last];
    else at[last] = ours;
  }
  return expected as Expected;
}

/** The names of fields that aren't the same, as a `Difference` has them. */
export function differingFields(expected: Expected, seen: Expected): string[] {
  return differing(expected as Record<string, unknown>, seen as Record<string, unknown>, "");
}

function differing(
  expected: Record<string, unknown>,
  seen: Record<string, unknown>,
  prefix: string,
): string[] {
  const fields = new Set([...Object.keys(expected), ...Object.keys(seen)]);
  return [...fields].flatMap((field) => {
    const [theirs, ours] = [expected[field], seen[field]];
    if (Bun.deepEquals(theirs, ours)) return [];
    if (prefix === "" && field === "image" && isRecord(theirs) && isRecord(ours))
      return differing(theirs, ours, "image.");
    return [prefix + field];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

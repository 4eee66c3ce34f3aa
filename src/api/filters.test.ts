// The `filters` parameter in its two forms.
import { expect, test } from "bun:test";
import { parseFilters } from "./filters.ts";

test.each([
  [null, {}],
  ["", {}],
  ["null", {}],
  ["{}", {}],
  ['{"label":["a=b","c"]}', { label: ["a=b", "c"] }],
  ['{"label":{"a=b":true,"c":false}}', { label: ["a=b", "c"] }],
  ['{"status":null}', { status: [] }],
])("%p", (text, filters) => {
  expect(parseFilters(text)).toEqual(filters as Record<string, string[]>);
});

test.each(["x", "[]", '"a"', '{"a":"b"}', '{"a":[1]}', '{"a":{"b":1}}', "1"])("%s is refused", (text) => {
  expect(() => parseFilters(text)).toThrow("invalid filter");
});

test("the words of who asks come first", () => {
  expect(() => parseFilters("x", "error reading volume filters: ")).toThrow(
    "error reading volume filters: invalid filter",
  );
});

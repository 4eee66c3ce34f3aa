import { expect, test } from "bun:test";
import { goJson, isGoEmpty } from "./go-json.ts";

test("nothing that a page would read as markup", () => {
  expect(goJson({ a: "<&>" })).toBe('{"a":"\\u003c\\u0026\\u003e"}');
});

test.each([
  [{ a: "<b>&\u2028\u2029" }, undefined, '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029"}'],
  [{ a: [1] }, 2, '{\n  "a": [\n    1\n  ]\n}'],
  [{ a: 1 }, "\t", '{\n\t"a": 1\n}'],
  [undefined, undefined, "null"],
])("%j is written as by Go", (value, indent, text) => {
  expect(goJson(value, indent)).toBe(text);
});

test("what omitempty leaves out", () => {
  expect([undefined, null, "", false, [], {}].filter(isGoEmpty)).toHaveLength(6);
  expect([0, "x", true, [0], { a: undefined }].filter(isGoEmpty)).toEqual([]);
});

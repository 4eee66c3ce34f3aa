// Queries as Go's url.ParseQuery takes or refuses them.
import { expect, test } from "bun:test";
import { parseQuery } from "./query.ts";

test.each([
  ["", {}],
  ["a=b&c=%20d+e&f", { a: "b", c: " d e", f: "" }],
  ["%61=%3B", { a: ";" }],
])("%p is read", (text, fields) => {
  expect(Object.fromEntries(parseQuery(text))).toEqual(fields);
});

test.each([
  ["a=b;c=d", "invalid semicolon separator in query"],
  ["a=%zz", 'invalid URL escape "%zz"'],
  ["a=%4", 'invalid URL escape "%4"'],
  ["a&%&b", 'invalid URL escape "%"'],
])("%p is refused", (text, message) => {
  expect(() => parseQuery(text)).toThrow(message);
});

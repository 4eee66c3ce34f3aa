// strconv.ParseBool takes these, and no others.
import { expect, test } from "bun:test";
import { goBoolean, notGoBoolean } from "./go-boolean.ts";

test.each(["1", "t", "T", "TRUE", "true", "True"])("%s is true", (text) => {
  expect(goBoolean(text)).toBe(true);
});
test.each(["0", "f", "F", "FALSE", "false", "False"])("%s is false", (text) => {
  expect(goBoolean(text)).toBe(false);
});
test.each(["", "tRUE", "yes", "no", " 1", "1\n", "01"])("%j is neither", (text) => {
  expect(goBoolean(text)).toBeUndefined();
  expect(notGoBoolean(text)).toBe(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
});

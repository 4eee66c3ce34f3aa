import { expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { fileErrorText } from "./file-error.ts";

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
};

test.each([
  [() => readFileSync("/nowhere/a, b"), "open /nowhere/a, b: no such file or directory"],
  [() => mkdirSync("/dev/null/x"), "mkdir /dev/null/x: not a directory"],
  [() => readFileSync("/proc"), /^(?:read|open).*: illegal operation on a directory$|^EISDIR/],
  [() => JSON.parse("{"), /JSON/],
])("%p", (work, text) => {
  expect(fileErrorText(thrownBy(work))).toMatch(text);
});

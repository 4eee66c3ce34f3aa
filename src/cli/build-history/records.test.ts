import { expect, test } from "bun:test";
import type { BuildRecord } from "../../sdk/index.ts";
import { recordFilter, statusOf } from "./records.ts";

const second = 1_000_000_000n;
const record = (more: Partial<BuildRecord>): BuildRecord => ({
  ref: "abc",
  frontend: "",
  attributes: {},
  created: 1_000n * second,
  completed: 1_003n * second,
  response: {},
  outputs: [],
  cachedSteps: 0,
  completedSteps: 0,
  totalSteps: 0,
  warnings: 0,
  generation: 0,
  pinned: false,
  results: [],
  ...more,
});

test.each<[Partial<BuildRecord>, string]>([
  [{}, "Completed"],
  [{ completed: undefined }, "Running"],
  [{ error: "exit code: 1" }, "Error"],
])("%o is %s", (more, status) => {
  expect(statusOf(record(more))).toBe(status as ReturnType<typeof statusOf>);
});

test.each<[string, Partial<BuildRecord>, boolean]>([
  ["status=completed", {}, true],
  ["status=error", { error: "exit code: 1" }, true],
  ["status=canceled", { error: "solve: context canceled" }, true],
  ["status!=running", { completed: undefined }, false],
  ["ref=b", {}, true],
  ["ref!=b", {}, true],
  ["repository=host", { attributes: { context: "https://host/r.git#main" } }, true],
  ["duration>=3s", {}, true],
  ["duration>3s", {}, false],
  ["startedAt<1h", {}, true],
  ["completedAt>1970-01-01T00:00:00Z", {}, true],
])("%s of %o: %p", (filter, more, matches) => {
  expect(recordFilter(filter)(record(more))).toBe(matches);
});

test.each([
  ["status", 'invalid filter "status"'],
  ["name=x", 'unsupported filter "name=x"'],
  ["status>1", 'invalid separator for "status>1", expected = or !='],
  ["duration=1s", 'invalid separator for "duration=1s", expected <=, <, >= or >'],
])("%s is refused", (filter, text) => {
  expect(() => recordFilter(filter)).toThrow(text);
});

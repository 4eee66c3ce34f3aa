import { expect, test } from "bun:test";
import { scopeCommand } from "./systemd-scope.ts";

test("a scope for one process, as busctl's words", () => {
  const words = scopeCommand("abc", 42);
  expect(words.slice(7)).toEqual([
    "ssa(sv)a(sa(sv))",
    "berth-shim-abc-42.scope",
    "replace",
    "4",
    ...["Description", "s", "Berth: shim of container abc"],
    ...["PIDs", "au", "1", "42"],
    ...["CollectMode", "s", "inactive-or-failed"],
    ...["TimeoutStopUSec", "t", "10000000"],
    "0",
  ]);
});

import { describe, expect, test } from "bun:test";
import { parseVersion, selectRuntime } from "./driver.ts";

const on = (mode: "v1" | "hybrid" | "v2") => ({ cgroups: { mode } });
// A program that is on every host stands for a runtime that was installed.
const runtimes = { mine: { path: "/bin/sh", runtimeArgs: ["--debug"] }, gone: { path: "/nowhere/runtime" } };

describe("which runtime", () => {
  test("a configured one by its name, with its arguments", () => {
    const mine = { name: "mine", path: "/bin/sh", args: ["--debug"] };
    expect(selectRuntime({ asked: "mine", runtimes, environment: on("hybrid") })).toEqual(mine);
    expect(selectRuntime({ defaultRuntime: "mine", runtimes })).toEqual(mine);
    expect(selectRuntime({ asked: "io.containerd.runc.v2", defaultRuntime: "mine", runtimes })).toEqual(mine);
  });

  test.each(["nosuch", "constructor", "__proto__"])("%s is refused in Docker's words", (asked) => {
    expect(() => selectRuntime({ asked, runtimes })).toThrow(`unknown or invalid runtime name: ${asked}`);
  });

  test("one that is configured but not there is no silent second choice", () => {
    expect(() => selectRuntime({ asked: "gone", runtimes })).toThrow("the runtime gone is not installed");
  });

  test("crun does not see the second hierarchy on a hybrid host, and leaves shared mounts there to runc", () => {
    expect(selectRuntime({ asked: "crun", environment: on("hybrid") }).hideUnifiedCgroup).toBe(true);
    expect(selectRuntime({ asked: "crun", environment: on("v2") }).hideUnifiedCgroup).toBeUndefined();
    expect(selectRuntime({ environment: on("hybrid") }).name).toBe("crun");
    expect(selectRuntime({ environment: on("hybrid"), sharedPropagation: true }).name).toBe("runc");
    expect(selectRuntime({ environment: on("v2"), sharedPropagation: true }).name).toBe("crun");
  });
});

test.each([
  [
    "crun version 1.8.1\ncommit: f8a096be\nrundir: /run/crun\nspec: 1.0.0\n+SYSTEMD +SELINUX\n",
    { name: "crun", version: "1.8.1", commit: "f8a096be", spec: "1.0.0" },
  ],
  [
    "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\ngo: go1.19.8\n",
    { name: "runc", version: "1.1.5+ds1", commit: "1.1.5+ds1-1+deb12u1", spec: "1.0.2-dev" },
  ],
  ["usage: something else", undefined],
])("version of %j", (text, expected) => {
  expect(parseVersion(text)).toEqual(expected as never);
});

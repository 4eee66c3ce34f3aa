import { expect, test } from "bun:test";
import { cgroupRelativePath, isSliceName } from "./cgroups.ts";

test.each([
  ["/docker/abc", "/docker/abc"],
  ["docker/abc", "/docker/abc"],
  ["system.slice:docker:abc", "/system.slice/docker-abc.scope"],
  [":docker:abc", "/system.slice/docker-abc.scope"],
  ["my-own-apps.slice:docker:abc", "/my.slice/my-own.slice/my-own-apps.slice/docker-abc.scope"],
  ["-.slice:docker:abc", "/docker-abc.scope"],
  ["user.slice::abc", "/user.slice/abc.scope"],
])("%s is at %s", (cgroupPath, expected) => expect(cgroupRelativePath(cgroupPath)).toBe(expected));

test.each(["jobs.slice", "jobs-night.slice", "user@1000.slice", "-.slice"])("%p is a slice", (name) =>
  expect(isSliceName(name)).toBe(true),
);
test.each([
  "",
  "jobs",
  ".slice",
  "../../a.slice",
  "/a.slice",
  "a/b.slice",
  "-a.slice",
  "a--b.slice",
  "a\n.slice",
])("%p is none", (name) => expect(isSliceName(name)).toBe(false));

// What is found out about this host, held against what the kernel says elsewhere.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { release } from "node:os";
import { detectEnvironment, parseRelease } from "./environment.ts";

const paths = { dataRoot: "/data", execRoot: "/run/x", bridge: "b0" };

test("this host", () => {
  const found = detectEnvironment(paths);
  expect(found.paths).toEqual({ dataRoot: "/data", execRoot: "/run/x" });
  expect(found.kernel.release).toBe(release());
  expect(found.cgroups.mode === "v2").toBe(existsSync("/sys/fs/cgroup/cgroup.controllers"));
  expect(["cgroupfs", "systemd"]).toContain(found.cgroups.manager);
  expect(detectEnvironment({ ...paths, cgroupManager: "systemd" }).cgroups.manager).toBe("systemd");
});

test("kernel releases", () => {
  expect(parseRelease("6.1.0-13-amd64")).toEqual({ release: "6.1.0-13-amd64", major: 6, minor: 1 });
  expect(parseRelease("5.10")).toMatchObject({ major: 5, minor: 10 });
  expect(parseRelease("strange")).toMatchObject({ major: 0, minor: 0 });
});

import { expect, test } from "bun:test";
import { buildName } from "./names.ts";

const local = (LocalPath: string, DockerfilePath = "") => ({ Target: "default", LocalPath, DockerfilePath });

// What buildx 0.29 calls builds of such folders.
test.each([
  [{}, local("/data/app"), "app"],
  [{ filename: "Dockerfile.two" }, local("/data/app", "/data/app/Dockerfile.two"), "app/Dockerfile.two"],
  [{ filename: "Dockerfile.two" }, undefined, "Dockerfile.two"],
  [{}, local("/data/app", "/data/app/sub/Dockerfile"), "app/sub"],
  [{ target: "web" }, local("/data/app"), "app (web)"],
  [{ target: "web" }, undefined, "web"],
  [{ context: "https://host/repo.git" }, local("https://host/repo.git"), "https://host/repo.git"],
  [{ "build-arg:BUILDKIT_BUILD_NAME": "mine" }, local("/data/app"), "mine"],
  [{ "vcs:source": "https://host/repo.git" }, undefined, "https://host/repo.git"],
  [{}, local("-"), ""],
])("%j in %j is %s", (attributes, state, name) => {
  expect(buildName(attributes as Record<string, string>, state)).toBe(name);
});

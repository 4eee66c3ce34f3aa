// What a commit makes of a container's config: each case was put to Docker 28.5 first.
import { expect, test } from "bun:test";
import type { ImageRunConfig } from "../oci/types.ts";
import { commitConfig } from "./commit-config.ts";

const OWN: ImageRunConfig = {
  User: "5",
  ExposedPorts: { "99/tcp": {} },
  Env: ["Z=1", "PATH=/bin"],
  Cmd: ["1000"],
  Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 7e9 },
  Volumes: { "/anon": {} },
  WorkingDir: "/w",
  Entrypoint: ["sleep"],
  OnBuild: null,
  Labels: { k: "v" },
  StopSignal: "3",
};

const { OnBuild: _, ...kept } = OWN;

test("the container's own config, without what only a container has", () => {
  const container = { ...OWN, Hostname: "h", Image: "busybox", Tty: true } as ImageRunConfig;
  expect(commitConfig(container, undefined, [])).toEqual(kept);
});

test("changes are made to the container's config", () => {
  expect(commitConfig(OWN, undefined, ["ENV Q=2", "CMD q", "WORKDIR x", "LABEL a=b"])).toEqual({
    ...kept,
    Env: ["Z=1", "PATH=/bin", "Q=2"],
    Cmd: ["/bin/sh", "-c", "q"],
    WorkingDir: "/w/x",
    Labels: { a: "b", k: "v" },
  });
});

test("a request's config is filled from the container's", () => {
  const asked: ImageRunConfig = {
    Env: ["A=1", "Z=5"],
    Labels: { n: "m" },
    Entrypoint: [],
    Cmd: ["c"],
    Healthcheck: { Timeout: 9e9 },
  };
  const { Entrypoint: __, ...rest } = kept;
  expect(commitConfig(OWN, asked, [])).toEqual({
    ...rest,
    Env: ["A=1", "Z=5", "PATH=/bin"],
    Cmd: ["c"],
    Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 7e9, Timeout: 9e9 },
    Labels: { k: "v", n: "m" },
  });
});

test("a new entrypoint takes the command with it, unless a command came first", () => {
  const { Cmd: __, ...withoutCommand } = kept;
  expect(commitConfig(OWN, undefined, ['ENTRYPOINT ["/e"]'])).toEqual({
    ...withoutCommand,
    Entrypoint: ["/e"],
  });
  expect(commitConfig(OWN, undefined, ['CMD ["c"]', 'ENTRYPOINT ["/e"]'])).toEqual({
    ...kept,
    Cmd: ["c"],
    Entrypoint: ["/e"],
  });
  expect(commitConfig(OWN, undefined, ['ENTRYPOINT ["/e"]', 'CMD ["c"]'])).toEqual({
    ...kept,
    Cmd: ["c"],
    Entrypoint: ["/e"],
  });
});

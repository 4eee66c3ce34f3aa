// What `--change` makes of a config: each line was put to Docker 28.5 first.
import { describe, expect, test } from "bun:test";
import type { ImageRunConfig } from "../oci/types.ts";
import { applyChanges } from "./changes.ts";

const GOOD: [string[], ImageRunConfig][] = [
  [["CMD a b"], { Cmd: ["/bin/sh", "-c", "a b"] }],
  [['CMD ["a","b c"]'], { Cmd: ["a", "b c"] }],
  [["cmd []"], { Cmd: [] }],
  [["CMD"], { Cmd: ["/bin/sh", "-c"] }],
  [["ENTRYPOINT x y"], { Entrypoint: ["/bin/sh", "-c", "x y"] }],
  [['ENTRYPOINT ["e"]', 'CMD ["q"]'], { Entrypoint: ["e"], Cmd: ["q"] }],
  [['ENV A=b C="d e" D=f\\ g'], { Env: ["A=b", "C=d e", "D=f g"] }],
  [["ENV A hello world"], { Env: ["A=hello world"] }],
  [["ENV A=1", `ENV B=$A-\${A}-\${Z:-def} A=2`], { Env: ["A=2", "B=1-1-def"] }],
  [['ENV A=\'$B\' B="q\\"q"'], { Env: ["A=$B", 'B=q"q'] }],
  [["ENV PATH=/x"], { Env: ["PATH=/x"] }],
  [
    ["EXPOSE 80 81/udp 90-92"],
    { ExposedPorts: { "80/tcp": {}, "81/udp": {}, "90/tcp": {}, "91/tcp": {}, "92/tcp": {} } },
  ],
  [["EXPOSE 80:80"], { ExposedPorts: { "80/tcp": {} } }],
  [['LABEL x=y "k 1"="v 1"'], { Labels: { x: "y", "k 1": "v 1" } }],
  [["LABEL a b"], { Labels: { a: "b" } }],
  [["LABEL a=$X", "ENV X=1", "LABEL b=$X"], { Env: ["X=1"], Labels: { a: "", b: "1" } }],
  [["USER me:grp"], { User: "me:grp" }],
  [["VOLUME /v /w"], { Volumes: { "/v": {}, "/w": {} } }],
  [['VOLUME ["/a b"]'], { Volumes: { "/a b": {} } }],
  [["WORKDIR /x", "WORKDIR y"], { WorkingDir: "/x/y" }],
  [["WORKDIR rel"], { WorkingDir: "/rel" }],
  [["ONBUILD RUN ls"], { OnBuild: ["RUN ls"] }],
  [["STOPSIGNAL SIGINT"], { StopSignal: "SIGINT" }],
  [["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  [
    ["HEALTHCHECK --interval=5s --timeout=3s --retries=2 --start-period=1m CMD ls /"],
    {
      Healthcheck: {
        Interval: 5e9,
        Timeout: 3e9,
        Retries: 2,
        StartPeriod: 60e9,
        Test: ["CMD-SHELL", "ls /"],
      },
    },
  ],
  [['HEALTHCHECK CMD ["a","b"]'], { Healthcheck: { Test: ["CMD", "a", "b"] } }],
  [['CMD echo "a b" $HOME'], { Cmd: ["/bin/sh", "-c", 'echo "a b" $HOME'] }],
  // Docker refuses SHELL here; we don't, since it changes a config and nothing else.
  [['SHELL ["/bin/bash", "-c"]', "CMD a"], { Shell: ["/bin/bash", "-c"], Cmd: ["/bin/bash", "-c", "a"] }],
];

const BAD: [string, string][] = [
  ["STOPSIGNAL foo", "invalid signal: foo"],
  ["FROM x", "FROM is not a valid change command"],
  ["RUN ls", "RUN is not a valid change command"],
  ["BOGUS x", "BOGUS is not a valid change command"],
  ["MAINTAINER me", "MAINTAINER is not a valid change command"],
  ["", "file with no instructions"],
  ["# comment", "file with no instructions"],
  ["ENV A", "ENV must have two arguments"],
  ["ENV =x", "ENV names can not be blank"],
  ["LABEL =x", "LABEL names can not be blank"],
  ["EXPOSE 99999", "Invalid containerPort: 99999"],
  ["EXPOSE 80/foo", "Invalid proto: foo"],
  ["HEALTHCHECK --bogus=1 CMD x", "unknown flag: --bogus"],
  ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ["USER", "USER requires exactly one argument"],
];

describe("changes of a config", () => {
  test.each(GOOD)("%j", (changes, expected) => {
    expect(applyChanges({}, changes)).toEqual(expected);
  });
  test.each(BAD)("%j is refused", (change, message) => {
    expect(() => applyChanges({}, [change])).toThrow(message);
  });
  test("the given config stays as it was", () => {
    const before: ImageRunConfig = { Env: ["A=1"], Labels: { a: "1" } };
    expect(applyChanges(before, ["ENV B=2", "LABEL b=2"])).toEqual({
      Env: ["A=1", "B=2"],
      Labels: { a: "1", b: "2" },
    });
    expect(before).toEqual({ Env: ["A=1"], Labels: { a: "1" } });
  });
});

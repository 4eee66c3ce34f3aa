import { expect, test } from "bun:test";
import { CHECK_CASES, type CheckCase } from "./check.cases.ts";
import recorded from "./check.recorded.json";
import { checkDockerfile } from "./check.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };

const check = ({ dockerfile, buildArgs = {}, target = "" }: CheckCase) =>
  checkDockerfile(dockerfile, {
    buildArgs: new Map(Object.entries(buildArgs)),
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    target,
  });

const byText = (a: { message: string }, b: { message: string }) => (a.message < b.message ? -1 : 1);

test.each(
  CHECK_CASES.map((checked, index) => [checked.dockerfile.slice(0, 200), checked, recorded[index]!] as const),
)("%j has Docker's warnings and error", (_, checked, docker) => {
  const { warnings, error } = check(checked);
  const shown = warnings.map(({ rule, message, url, ranges }) => ({
    rule: rule as string,
    message,
    url,
    lines: ranges.map(({ start }) => start.line),
  }));
  expect(shown.toSorted(byText)).toEqual(docker.warnings.toSorted(byText));
  expect(error?.message).toEqual(docker.error?.message);
  const places = error?.places.flatMap(({ start, end }) =>
    Array.from({ length: end - start + 1 }, (_, at) => start + at),
  );
  // Docker merges them, in the order of the file.
  const inOrder = places?.toSorted((a, b) => a - b);
  if (docker.error) expect(inOrder).toEqual([...(checked.betterLines ?? docker.error.lines)]);
});

test("what the base image brings: its platform, its variables, its triggers", () => {
  const inputs = {
    buildArgs: new Map<string, string>(),
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    target: "",
  };
  const image = {
    os: "linux",
    architecture: "arm64",
    config: { Env: ["BASE=1"], OnBuild: ["WORKDIR $BASE/$none", "COPY a b"] },
    rootfs: { type: "layers" as const, diff_ids: [] },
  };
  const text = "# check=experimental=CopyIgnoredFile\nFROM base\nADD c http://x/y z\n";
  const { warnings, error } = checkDockerfile(text, {
    ...inputs,
    imageOf: () => image,
    isIgnored: () => true,
  });
  expect(error).toBeUndefined();
  expect(warnings.map(({ message, ranges }) => [ranges[0]?.start.line, message])).toEqual([
    [2, 'Base image base was pulled with platform "linux/arm64", expected "linux/amd64" for current build'],
    [2, "Usage of undefined variable '$none'"],
    [2, 'Relative workdir "1/" can have unexpected results if the base image changes'],
    [2, 'Attempting to Copy file "a" that is excluded by .dockerignore'],
    [3, 'Attempting to Add file "c" that is excluded by .dockerignore'],
  ]);
});

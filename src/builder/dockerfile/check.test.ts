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
  if (docker.error) expect(places).toEqual([...(checked.betterLines ?? docker.error.lines)]);
});

import { describe, expect, test } from "bun:test";
import type { HealthConfig } from "../../api/types/index.ts";
import type { ContainerId } from "../types.ts";
import {
  type Health,
  healthAfter,
  healthAtStart,
  healthText,
  type ProbeResult,
  probeCommand,
  probeDelay,
  probeTimeout,
} from "./rules.ts";

const START = Date.parse("2030-01-01T00:00:00Z");
const at = (milliseconds: number) => new Date(START + milliseconds).toISOString();
const fresh = (before?: Health) => healthAtStart("c" as ContainerId, at(0), before);
const MS = 1e6;

/** A check that began so many milliseconds after the start. */
const result = (after: number, ExitCode: number): ProbeResult => ({
  Start: at(after),
  End: at(after + 5),
  ExitCode,
  Output: String(after),
});

const run = (check: HealthConfig, results: [after: number, exitCode: number][], from = fresh()) =>
  results.reduce(
    (health, [after, code]) => healthAfter({ Healthcheck: check }, health, result(after, code)),
    from,
  );

test.each<[HealthConfig | undefined, string[] | undefined, string[] | undefined]>([
  [undefined, undefined, undefined],
  [{}, undefined, undefined],
  [{ Test: ["NONE"] }, undefined, undefined],
  [{ Test: ["BOGUS", "x"] }, undefined, undefined],
  [{ Test: ["CMD", "a", "b c"] }, undefined, ["a", "b c"]],
  [{ Test: ["CMD"] }, undefined, []],
  [{ Test: ["CMD-SHELL", "a || b"] }, undefined, ["/bin/sh", "-c", "a || b"]],
  [{ Test: ["CMD-SHELL", "a"] }, ["/bin/bash", "-ec"], ["/bin/bash", "-ec", "a"]],
])("%j in the shell %j runs %j", (Healthcheck, Shell, command) => {
  expect(probeCommand({ ...(Healthcheck && { Healthcheck }), ...(Shell && { Shell }) })).toEqual(
    command as string[],
  );
});

test("times are Docker's where nobody said any", () => {
  expect(probeTimeout({})).toBe(30_000);
  expect(probeTimeout({ Healthcheck: { Timeout: 200 * MS } })).toBe(200);
  expect(probeDelay({}, fresh(), START)).toBe(30_000);
});

describe("the time to the next check", () => {
  const Healthcheck = { Interval: 1000 * MS, StartPeriod: 500 * MS, StartInterval: 100 * MS };
  const delay = (health: Health, after: number) => probeDelay({ Healthcheck }, health, START + after);
  test("is the start interval while it starts, in the start period", () => {
    expect(delay(fresh(), 0)).toBe(100);
    expect(delay(fresh(), 499)).toBe(100);
    expect(delay(fresh(), 500)).toBe(1000);
    expect(delay({ ...fresh(), status: "healthy" }, 100)).toBe(1000);
    expect(probeDelay({ Healthcheck: { StartPeriod: MS } }, fresh(), START)).toBe(5000);
  });
});

describe("results", () => {
  test("it is unhealthy after three failures in a row, or as many as was said", () => {
    expect(run({}, [[1, 1], [2, 1]])).toMatchObject({ status: "starting", failingStreak: 2 }); // biome-ignore format: a row
    expect(run({}, [[1, 1], [2, 2], [3, -1]])).toMatchObject({ status: "unhealthy", failingStreak: 3 }); // biome-ignore format: a row
    expect(run({ Retries: 1 }, [[1, 1]])).toMatchObject({ status: "unhealthy", failingStreak: 1 });
    expect(run({ Retries: 2 }, [[1, 1], [2, 0], [3, 1]])).toMatchObject({ status: "healthy", failingStreak: 1 }); // biome-ignore format: a row
    expect(run({ Retries: 1 }, [[1, 1], [2, 0]])).toMatchObject({ status: "healthy", failingStreak: 0 }); // biome-ignore format: a row
  });

  test("failures in the start period count for nothing, until one succeeded", () => {
    const check = { Retries: 1, StartPeriod: 100 * MS };
    expect(run(check, [[99, 1]])).toMatchObject({ status: "starting", failingStreak: 0 });
    expect(run(check, [[100, 1]])).toMatchObject({ status: "unhealthy" });
    expect(run(check, [[10, 0], [20, 1]])).toMatchObject({ status: "unhealthy" }); // biome-ignore format: a row
  });

  test("the last five are kept, also over a new start", () => {
    const before = run(
      {},
      [1, 2, 3, 4, 5, 6].map((after) => [after, 0]),
    );
    expect(before.log.map(({ Output }) => Output)).toEqual(["2", "3", "4", "5", "6"]);
    expect(fresh(before)).toMatchObject({ status: "starting", failingStreak: 0, log: before.log });
  });
});

test("what ps shows", () => {
  expect(healthText(undefined)).toBeUndefined();
  expect(healthText(fresh())).toBe("health: starting");
  expect(healthText({ ...fresh(), status: "unhealthy" })).toBe("unhealthy");
});

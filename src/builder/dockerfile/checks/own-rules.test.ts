// The rules that are Berth's own: remarks, scripts with CRLF, values that are credentials.
import { expect, test } from "bun:test";
import { checkDockerfile } from "../check.ts";
import { DEFAULT_CHECKS, Linter, secretKind } from "./index.ts";
import { checkScript } from "./scripts.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };
const check = (text: string) =>
  checkDockerfile(text, {
    buildArgs: new Map(),
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    target: "",
  });
const warningsOf = (line: string) =>
  check(`FROM scratch\n${line}\n`).warnings.filter(({ rule }) => rule === "RemarkAfterInstruction");

const BROKEN: [string, number][] = [
  ["FROM ubuntu:16.04   # a remark", 1],
  ["FROM scratch AS x # remark", 1],
  ["FROM scratch\nENV a=b # remark", 2],
  ["FROM scratch\nLABEL a=b \\\n  c=d # remark", 2],
  ["FROM scratch\nEXPOSE 80 # web", 2],
  ["FROM scratch\nSTOPSIGNAL SIGTERM # remark", 2],
  ['FROM scratch\nSHELL ["sh", "-c"] # remark', 2],
  ["FROM scratch\nHEALTHCHECK NONE # remark", 2],
];
test.each(BROKEN)("%j is an error that names line %d and the remark", (text, line) => {
  const { error } = check(text);
  expect(error?.message).toMatch(`on line ${line} is taken as arguments, a remark needs a line of its own`);
  expect(error?.places[0]?.start).toBe(line);
});

const TAKEN: [string, string][] = [
  ["ENV a b # c", "# c"],
  ["ARG a=1 # the first", "# the first"],
  ["USER me # somebody", "# somebody"],
  ["WORKDIR /a # there", "# there"],
  ["VOLUME /a #data", "#data"],
  ["COPY a b # c", "# c"],
  ["ADD a b # c", "# c"],
  ["MAINTAINER me # c", "# c"],
  ["ONBUILD USER me # c", "# c"],
  ['CMD ["a"] # c', "# c"],
  ['RUN ["a", "b"] # c', "# c"],
];
test.each(TAKEN)("%s is warned of", (line, remark) => {
  expect(warningsOf(line)).toMatchObject([
    { message: expect.stringContaining(JSON.stringify(remark)), ranges: [{ start: { line: 2 } }] },
  ]);
});

test.each([
  "RUN make # all",
  "CMD a # b",
  "ENTRYPOINT a # b",
  "HEALTHCHECK CMD a # b",
  'LABEL a="b # c"',
  "COPY a#b /c",
  "ENV a=#b",
])("%s is no remark of a Dockerfile", (line) => {
  expect(warningsOf(line)).toEqual([]);
});

test("our rules can be skipped, and fail no build", () => {
  expect(check("# check=skip=RemarkAfterInstruction\nFROM scratch\nUSER me # c\n").warnings).toEqual([]);
  const { warnings, error } = check("# check=error=true\nFROM scratch\nUSER me # c\n");
  expect(warnings).toHaveLength(1);
  expect(error).toBeUndefined();
});

const SECRETS: [string, string | undefined][] = [
  ["AKIAIOSFODNN7EXAMPLE", "an AWS access key"],
  [`ghp_${"a".repeat(36)}`, "a GitHub token"],
  [`x ghs_${"A1".repeat(18)} y`, "a GitHub token"],
  [`glpat-${"a".repeat(20)}`, "a GitLab token"],
  ["-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"],
  ["-----BEGIN PRIVATE KEY-----", "a private key"],
  ["-----BEGIN PUBLIC KEY-----", undefined],
  ["ghp_short", undefined],
  ["akiaiosfodnn7example", undefined],
  ["", undefined],
];
test.each(SECRETS)("%s looks like %s", (value, kind) => {
  expect(secretKind(value)).toBe(kind);
});

test("a credential as a value is warned of, by the name and not by the value", () => {
  const { warnings } = check(`FROM scratch\nARG a=AKIAIOSFODNN7EXAMPLE\nENV b=ghp_${"a".repeat(36)}\n`);
  expect(warnings.map(({ message }) => message)).toEqual([
    'The value of ARG "a" looks like an AWS access key',
    'The value of ENV "b" looks like a GitHub token',
  ]);
});

const SCRIPTS: [string, string | undefined][] = [
  ["#!/bin/sh\r\necho\r\n", "/bin/sh"],
  ["#! /usr/bin/env bash\r\n", "/usr/bin/env bash"],
  ["#!/bin/sh\necho\r\n", undefined],
  ["echo\r\n", undefined],
  ["#!", undefined],
  ["", undefined],
  [`#!${"a".repeat(300)}\r\n`, undefined],
];
test.each(SCRIPTS)("script %j", (content, interpreter) => {
  const linter = new Linter(DEFAULT_CHECKS);
  checkScript("a.sh", new TextEncoder().encode(content), { start: 3, end: 3 }, linter);
  expect(linter.warnings).toHaveLength(interpreter === undefined ? 0 : 1);
  if (interpreter !== undefined)
    expect(linter.warnings[0]?.message).toEndWith(
      `looks for its interpreter as ${JSON.stringify(`${interpreter}\r`)}`,
    );
});

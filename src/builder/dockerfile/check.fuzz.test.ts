// Any bytes at all, and near-Dockerfiles, through everything that reads them: a result or a DockerfileError, soon.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { CHECK_CASES } from "./check.cases.ts";
import { checkDockerfile } from "./check.ts";
import { textOf } from "./plan/index.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };

function check(text: string): void {
  const start = performance.now();
  const { warnings } = checkDockerfile(text, {
    buildArgs: new Map([["A", "b"]]),
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    target: "",
  });
  for (const { ranges } of warnings) expect(ranges.length).toBeGreaterThan(0);
  expect(performance.now() - start).toBeLessThan(2000);
}

test("any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => check(textOf(bytes))),
    { numRuns: 2000 },
  );
});

const PIECES = (
  "FROM AS scratch RUN CMD ENTRYPOINT LABEL EXPOSE ENV ADD COPY VOLUME USER WORKDIR ARG ONBUILD STOPSIGNAL HEALTHCHECK " +
  'SHELL MAINTAINER --mount=type=cache,target=/a --from= --chmod= a a=b $a ${a:- ${a// } [ ] "x" , { <<E <<- E # \\ `'
).split(" ");

test("words of Dockerfiles in any order", () => {
  const word = fc.oneof(
    fc.constantFrom(...PIECES, " ", "\n", "\n", "\\\n", "'", '"', "\t", "\r\n", "é"),
    fc.string({ maxLength: 5 }),
  );
  const text = fc.array(word, { maxLength: 80 }).map((words) => `FROM scratch\n${words.join(" ")}`);
  fc.assert(fc.property(text, check), { numRuns: 3000 });
});

test("real ones with a piece cut out or put in", () => {
  const sample = fc.constantFrom(
    ...CHECK_CASES.map(({ dockerfile }) => dockerfile).filter((text) => text.length < 5000),
  );
  const edit = fc.record({
    from: fc.nat(200),
    length: fc.nat(5),
    by: fc.constantFrom("", "\n", "\\", '"', "$", "${", "<<", "#", " "),
  });
  fc.assert(
    fc.property(sample, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      check(
        edits.reduce((now, { from, length, by }) => now.slice(0, from) + by + now.slice(from + length), text),
      );
    }),
    { numRuns: 3000 },
  );
});

const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join("");

test.each([
  ["variables", `FROM scratch\n${many(1000, (i) => `ENV a${i}=$a${i - 1}\n`)}`],
  ["variables in one instruction", `FROM scratch\nENV ${many(1000, (i) => `a${i}=$b${i} `)}\n`],
  ["arguments in one instruction", `FROM scratch\nARG ${many(2000, (i) => `a${i} `)}\n`],
  [
    "arguments and stages",
    many(600, (i) => `ARG a${i}=$a${i - 1}\n`) + many(600, (i) => `FROM scratch AS s${i}\n`),
  ],
  [
    "unknown names in FROM",
    many(600, (i) => `ARG argument${i}\n`) + many(300, (i) => `FROM scratch$arguments${i}\n`),
  ],
  ["growing values", `FROM scratch\nENV a=aaaaaaaa\n${many(40, () => "ENV a=$a$a\n")}`],
  ["ports", `FROM scratch\n${many(4, () => "EXPOSE 0-65535\n")}`],
  // A bound against what never ends, wide enough for a busy machine: ten milliseconds to half a second on an idle one.
])("many %s come to an end", (_, text) => {
  const start = performance.now();
  checkDockerfile(text, {
    buildArgs: new Map(),
    buildPlatform: PLATFORM,
    targetPlatform: PLATFORM,
    target: "",
  });
  expect(performance.now() - start).toBeLessThan(30_000);
});

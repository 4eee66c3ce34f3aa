// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { DockerfileError } from "../source.ts";
import { detectSyntax, hereDocumentText, parseDockerfile } from "./index.ts";

const node = (text: string) => parseDockerfile(text).nodes[0]!;

const SPLITS: [string, object][] = [
  ["FROM a AS  b", { keyword: "FROM", args: ["a", "AS", "b"], json: false }],
  ["run a  b", { keyword: "run", args: ["a  b"], json: false }],
  ['RUN ["a", "b c"]', { args: ["a", "b c"], json: true }],
  ['RUN ["a", "b c" ]x', { args: ['["a", "b c" ]x'], json: false }],
  ["RUN []", { args: [], json: true }],
  ["COPY a\tb c", { args: ["a", "b", "c"] }],
  ['COPY ["a b", "c"]', { args: ["a b", "c"], json: true }],
  ["COPY --from=x --chown='a b' -- --y z", { flags: ["--from=x", "--chown=a b"], args: ["--y", "z"] }],
  ["RUN --mount=a\\ b c", { flags: ["--mount=a b"], args: ["c"] }],
  ["ENV a b  c", { pairs: [{ key: "a", value: "b  c", legacy: true }] }],
  [
    'ENV a=b c=\'d e\' f="\\""',
    {
      pairs: [
        { key: "a", value: "b", legacy: false },
        { key: "c", value: "'d e'", legacy: false },
        { key: "f", value: '"\\""', legacy: false },
      ],
    },
  ],
  ["ARG a b=c\\ d", { args: ["a", "b=c\\ d"] }],
  ["HEALTHCHECK --retries=1 CMD  a b", { flags: ["--retries=1"], args: ["CMD", "a b"] }],
  ['HEALTHCHECK CMD ["a", "b"]', { args: ["CMD", "a", "b"], json: true }],
  ["ONBUILD RUN a", { args: [], trigger: expect.objectContaining({ keyword: "RUN", args: ["a"] }) }],
  ["  MAINTAINER  a b ", { keyword: "MAINTAINER", args: ["a b"] }],
  ["RUN a \\\n  b", { args: ["a   b"], lines: { start: 1, end: 2 } }],
  ["RUN a\\\r\n  b\r\n", { args: ["a  b"] }],
  ["RUN a \\ \n# remark\n  # remark\n\nb", { args: ["a b"], lines: { start: 1, end: 5 } }],
  ["RUN a \\\\\nUSER b", { args: ["a \\\\"], lines: { start: 1, end: 1 } }],
  ["RUN a \\", { args: ["a"] }],
  ["\ufeffRUN a", { keyword: "RUN" }],
  ["# a\n#b\n\n  \nRUN x", { comments: ["a", "b"], lines: { start: 5, end: 5 } }],
  ["# a\n#\n# b\nRUN x", { comments: ["b"] }],
  ["  # a\nRUN x", { comments: ["# a"] }],
  ["# escape=`\nRUN a `\n b\\", { args: ["a  b\\"], comments: [] }],
];
test.each(SPLITS)("%j is split", (text, expected) => {
  expect(node(text)).toMatchObject(expected);
});

test("several here-documents, of which one strips tabs and one expands nothing", () => {
  const { heredocs, lines } = node("COPY <<a 3<<-'b c' <<\"d\"e /x/\n1\r\na\n\t2 $x\n\tb c\nde\n");
  expect(heredocs).toEqual([
    { name: "a", expand: true, stripTabs: false, descriptor: 0, content: "1\r\n" },
    { name: "b c", expand: false, stripTabs: true, descriptor: 3, content: "\t2 $x\n" },
    { name: "de", expand: false, stripTabs: false, descriptor: 0, content: "" },
  ]);
  expect(hereDocumentText(heredocs[1]!)).toBe("2 $x\n");
  expect(lines).toEqual({ start: 1, end: 6 });
});

test.each(['RUN echo "<<EOF"', "RUN echo it's <<EOF", "LABEL a=<<EOF", 'RUN ["<<EOF"]', "RUN a <<<b"])(
  "%j begins no here-document",
  (text) => {
    expect(parseDockerfile(`${text}\nRUN x`).nodes.map(({ heredocs }) => heredocs)).toEqual([[], []]);
  },
);

test("ONBUILD has its trigger's here-document", () => {
  expect(node("ONBUILD RUN <<E\nx\nE\n").heredocs).toMatchObject([{ name: "E", content: "x\n" }]);
});

const ERRORS: [string, string, number, number][] = [
  ["", "the Dockerfile cannot be empty", 0, 0],
  ["# a\n\n", "file with no instructions", 2, 2],
  ["FROM a\nRUN <<E\nx", "unterminated heredoc", 2, 3],
  ["# escape=x\n", "invalid escape token 'x' does not match ` or \\", 1, 1],
  ["# check=a\n# Check=b\n", "only one check parser directive can be used", 2, 2],
  ["FROM a\nENV b \\\n\n", "ENV must have two arguments", 2, 3],
  ["ENV a=b c", `Syntax error - can't find = in "c". Must be of the form: name=value`, 1, 1],
  ["CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only", 1, 1],
  [`RUN ${"é".repeat(32_766)}`, "dockerfile line greater than max allowed size of 65535", 1, 1],
];
test.each(ERRORS)("%j is refused: %s", (text, message, start, end) => {
  try {
    parseDockerfile(text);
    expect.unreachable();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(DockerfileError);
    expect((thrown as DockerfileError).message).toBe(message);
    expect((thrown as DockerfileError).places).toEqual(start === 0 ? [] : [{ start, end }]);
  }
});

const SYNTAXES: [string, string | undefined, string?, number?][] = [
  ["# syntax=a/b:1 x", "a/b:1", "a/b:1 x", 1],
  ["#syntax = a\nFROM b", "a", "a", 1],
  ["# check=skip=all\n# SYNTAX=a", "a", "a", 2],
  ["#!/usr/bin/env x\n# syntax=a", "a", "a", 2],
  ["// syntax=a", "a", "a", 1],
  ['#!x\n{"syntax": "a b"}', "a", "a b", 2],
  ['{"syntax": 1}', undefined],
  ["FROM a\n# syntax=b", undefined],
  ["# remark\n# syntax=b", undefined],
  ["\n# syntax=b", undefined],
  ["\ufeff# syntax=b\r\n", "b", "b", 1],
];
test.each(SYNTAXES)("%j asks for the frontend %s", (text, reference, commandLine = "", line = 0) => {
  const expected = reference && { reference, commandLine, lines: { start: line, end: line } };
  expect(detectSyntax(text)).toEqual(expected || undefined);
});

test("bytes that are no UTF-8 become U+FFFD", () => {
  expect(parseDockerfile(new Uint8Array([0x52, 0x55, 0x4e, 0x20, 0xff, 0x0a])).nodes[0]!.args).toEqual([
    "\ufffd",
  ]);
});

test("time grows with the text's length, whatever it is", () => {
  const texts = [
    "ONBUILD ".repeat(60_000),
    `RUN a \\\n${"b \\\n".repeat(100_000)}`,
    `# escape=${" ".repeat(60_000)}x\nFROM a`,
    `ENV ${"a=b ".repeat(15_000)}`,
    `RUN ${"<<a ".repeat(10_000)}`,
    `RUN ["${"\\\\".repeat(30_000)}`,
    `CMD ${"[".repeat(60_000)}`,
    "\\\n".repeat(100_000),
    "# x\n".repeat(100_000),
  ];
  const start = performance.now();
  for (const text of texts)
    try {
      parseDockerfile(text);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(DockerfileError);
    }
  expect(performance.now() - start).toBeLessThan(5000);
});

test("what was read back covers the file: instructions in order, none over another", () => {
  const piece = fc.constantFrom(
    "RUN ",
    "ENV a=b",
    "\n",
    "\\\n",
    "# x\n",
    "<<E\n",
    "E\n",
    "COPY ",
    " ",
    "x",
    "\r\n",
  );
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (input) => {
      try {
        let last = 0;
        for (const { lines } of parseDockerfile(input).nodes) {
          expect(lines.start).toBeGreaterThan(last);
          expect(lines.end).toBeGreaterThanOrEqual(lines.start);
          last = lines.end;
        }
        expect(last).toBeLessThanOrEqual(input.split("\n").length);
      } catch (thrown) {
        if (!(thrown instanceof DockerfileError)) throw thrown;
      }
    }),
    { numRuns: 1000 },
  );
});

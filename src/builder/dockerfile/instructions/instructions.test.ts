// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isKind } from "../../../base/errors.ts";
import { parseDockerfile } from "../syntax/index.ts";
import { csvFields } from "./csv.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { expandInstruction, type Instruction, parseInstructions } from "./index.ts";
import { parseDevice, readMountFlag, resolveMount } from "./mounts.ts";

function parse(line: string): Instruction {
  const { nodes, escape: token } = parseDockerfile(`FROM scratch\n${line}\n`);
  return parseInstructions(nodes, token).stages[0]!.instructions[0]!;
}

const PARSED: [string, object][] = [
  [
    "COPY --from=a --chown=1:2 --chmod=u+x --link --parents --exclude=*.o --exclude=b a b c/",
    {
      kind: "copy",
      from: "a",
      chown: "1:2",
      chmod: "u+x",
      link: true,
      parents: true,
      exclude: ["*.o", "b"],
      sources: { paths: ["a", "b"], documents: [], destination: "c/" },
    },
  ],
  [
    "ADD --keep-git-dir=false --checksum=x --unpack a b",
    { kind: "add", keepGitDir: false, checksum: "x", unpack: true, link: false },
  ],
  ["ADD a b", { keepGitDir: undefined, unpack: undefined, checksum: "" }],
  [
    "COPY x <<E <<-'F' /to/\na\nE\n\tb\n\tF",
    {
      sources: {
        paths: ["x"],
        documents: [
          { name: "E", content: "a\n", expand: true },
          { name: "F", content: "b\n", expand: false },
        ],
        destination: "/to/",
      },
    },
  ],
  [
    "RUN --mount=type=cache,target=/a --mount=from=b,target=/c --network=none --security=insecure --device=v=x,required a b",
    {
      kind: "run",
      mounts: [
        { text: "type=cache,target=/a", from: "" },
        { text: "from=b,target=/c", from: "b" },
      ],
      network: "none",
      security: "insecure",
      devices: [{ name: "v=x", required: true }],
      command: { args: ["a b"], shell: true },
    },
  ],
  ['CMD ["a", "b"]', { kind: "cmd", command: { args: ["a", "b"], shell: false, heredocs: [] } }],
  [
    "ENV a=b c=d",
    {
      kind: "env",
      variables: [
        { key: "a", value: "b" },
        { key: "c", value: "d" },
      ],
    },
  ],
  ["EXPOSE b a 10 9", { kind: "expose", ports: ["10", "9", "a", "b"] }],
  [
    "# a the first\nARG a=1 b",
    {
      definitions: [
        { name: "a", value: "1", description: "the first" },
        { name: "b", description: "" },
      ],
    },
  ],
  [
    "HEALTHCHECK --interval=1m30s --timeout=0 --retries=3 CMD a b",
    { health: { Test: ["CMD-SHELL", "a b"], Interval: 90e9, Retries: 3 } },
  ],
  ["onbuild  COPY <<E /a\nx\nE", { kind: "onbuild", expression: "COPY <<E /a\nx\nE" }],
  ["run  x", { keyword: "run", source: "run  x", lines: { start: 2, end: 2 } }],
];
test.each(PARSED)("%s", (line, expected) => {
  expect(parse(line)).toMatchObject(expected);
});

test("stages, their descriptions, and the ARGs before them", () => {
  const text = "ARG v=1\n# build makes it\nFROM --platform=$P a:$v AS Build\nRUN x\nFROM scratch\n";
  const { args, stages } = parseInstructions(parseDockerfile(text).nodes, "\\");
  expect(args).toMatchObject([{ definitions: [{ name: "v", value: "1" }] }]);
  expect(stages.map(({ from }) => from)).toMatchObject([
    { base: "a:$v", name: "build", platform: "$P", description: "makes it" },
    { base: "scratch", name: "" },
  ]);
  expect(stages.map(({ instructions }) => instructions.length)).toEqual([1, 0]);
});

const by = { word: (text: string) => `<${text}>`, document: (text: string) => `(${text})` };

const EXPANDED: [string, object][] = [
  ["ENV a=b", { variables: [{ key: "<a>", value: "<b>" }] }],
  ["LABEL a=b", { labels: [{ key: "<a>", value: "<b>" }] }],
  ["WORKDIR a", { path: "<a>" }],
  ["USER a", { user: "<a>" }],
  ["STOPSIGNAL 9", { signal: "<9>" }],
  ["VOLUME a b", { volumes: ["<a>", "<b>"] }],
  [
    "ADD --chown=a --chmod=1 --checksum=c d e",
    { chown: "<a>", chmod: "<1>", checksum: "<c>", sources: { paths: ["<d>"], destination: "<e>" } },
  ],
  [
    "COPY --from=a b <<C <<'D' e\nx\nC\ny\nD",
    { from: "a", sources: { documents: [{ content: "(x\n)" }, { content: "y\n" }] } },
  ],
  ["CMD a", { command: { args: ["a"] } }],
  ["EXPOSE a", { ports: ["a"] }],
  ["ARG a=b", { definitions: [{ name: "a", value: "b" }] }],
];
test.each(EXPANDED)("%s is expanded", (line, expected) => {
  expect(expandInstruction(parse(line), by)).toMatchObject(expected);
});

const MOUNTS: [string, object][] = [
  ["target=/a", { type: "bind", target: "/a", readOnly: true, source: "", from: "" }],
  [
    "type=CACHE,dst=/a,sharing=Locked,id=x,mode=0700,uid=1,gid=2",
    { type: "cache", readOnly: false, sharing: "locked", id: "x", mode: 0o700, uid: 1, gid: 2 },
  ],
  ["type=bind,src=b,destination=/a,rw", { source: "b", target: "/a", readOnly: false }],
  ["readwrite=false,target=/a", { readOnly: true }],
  ["type=cache,ro,target=/a", { readOnly: true }],
  ["type=tmpfs,size=1.5m,target=/a", { size: 1_572_864, readOnly: false }],
  ["type=secret,id=a,env=A,required", { type: "secret", id: "a", env: "A", required: true }],
  ["type=ssh", { type: "ssh", id: "", required: false }],
  ['type=cache,"target=/a,b""c"', { target: '/a,b"c' }],
];
test.each(MOUNTS)("--mount=%s", (text, expected) => {
  expect(resolveMount(text, (value) => value)).toMatchObject(expected);
});

test("a mount's values are expanded, its source stage is not", () => {
  expect(resolveMount("type=cache,target=$x", (value) => value.replace("$x", "/y"))).toMatchObject({
    target: "/y",
  });
  expect(() => readMountFlag("from=$x")).toThrow(
    "'from' doesn't support variable expansion, define alias stage instead",
  );
  expect(readMountFlag("from=a,target=$x").from).toBe("a");
});

test.each(["a", "name=a", "a,required=false", "vendor.com/x=y"])("--device=%s", (text) => {
  expect(parseDevice(text).required).toBe(false);
});

const DURATIONS: [string, number, string][] = [
  ["1h2m3s", 3723e9, "1h2m3s"],
  ["1.5s", 1.5e9, "1.5s"],
  ["90m", 5400e9, "1h30m0s"],
  ["100ms", 1e8, "100ms"],
  ["1500us", 1.5e6, "1.5ms"],
  ["7µs", 7000, "7µs"],
  ["3ns", 3, "3ns"],
  ["0", 0, "0s"],
  ["+.5m", 30e9, "30s"],
];
test.each(DURATIONS)("%s is %d ns, shown as %s", (text, nanoseconds, shown) => {
  expect(parseDuration(text)).toBe(nanoseconds);
  expect(formatDuration(nanoseconds)).toBe(shown);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["x", 'time: invalid duration "x"'],
  ["5", 'time: missing unit in duration "5"'],
  ["5q", 'time: unknown unit "q" in duration "5q"'],
  ["99999999h", 'time: invalid duration "99999999h"'],
])("%j is no duration", (text, message) => {
  expect(() => parseDuration(text)).toThrow(message);
});

test("fields separated by commas are read as they were written, quoted or not", () => {
  const field = fc.string({ maxLength: 8 }).filter((text) => !text.includes("\n"));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), (fields) => {
      expect(csvFields(fields.map(quoted).join(","))).toEqual(fields);
    }),
  );
  expect(csvFields("a,,b,")).toEqual(["a", "", "b", ""]);
  for (const bad of ["", 'a"', '"a', '"a"b'])
    try {
      csvFields(bad);
      expect.unreachable();
    } catch (thrown) {
      expect(isKind(thrown, "invalid")).toBe(true);
    }
});

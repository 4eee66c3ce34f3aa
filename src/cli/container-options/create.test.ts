// What `create` asks of the daemon for a command line, held against what Docker 28.5's CLI asked for the same one
// (expected/create.json: recorded at a socket of our own; empty values left out, $PWD in the place of its folder).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import create from "../commands/container/create.ts";
import { parseFlags } from "../framework/parse.ts";
import { containerSpec } from "./spec.ts";

interface Case {
  args: string[];
  body?: Record<string, unknown>;
  error?: string;
}

const cases = JSON.parse(readFileSync(new URL("./expected/create.json", import.meta.url), "utf8")) as Case[];
const before = { folder: process.cwd(), FOO: process.env.FOO };
let folder: string;

/** What the recorded command lines name, beside what is below. */
const FILES: Record<string, string | Uint8Array> = {
  crlf: "A=1\r\nB=2\r\n\tC=3\tC=3\t\n",
  bom: "\ufeffA=bom\nB=\"q\"\nC='x'\nD=a#b\nE=a=b=c\n",
  export: "export F=1\n",
  nokey: "=x\n",
  utf: Uint8Array.from([65, 61, 255, 254, 10]),
  noeol: "A=1",
  tab: "A\tB=1\n",
  nul: "A=a\0b\n",
  empty: "",
  labels2: "# c\nl1 = v\n",
  labels3: 'FOO\nl="q"\n',
  notjson: "{x",
  "big.json": '{"a": 18446744073709551615, "b": "x  \\" y" }',
  "trail.json": "{} x",
};

beforeAll(() => {
  folder = mkdtempSync("/var/tmp/berth-test-create-");
  process.chdir(folder);
  process.env.FOO = "from env";
  writeFileSync(join(folder, "env"), "A=1\n# c\n  B=two words \nFOO\nNOPE\n\nC\n");
  writeFileSync(join(folder, "badenv"), "bad key=1\n");
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "dir"));
  writeFileSync(join(folder, "labels"), "l1=v\nl2\n");
  writeFileSync(join(folder, "seccomp.json"), '{ "defaultAction": "SCMP_ACT_ALLOW",\n "syscalls": [] }');
});
afterAll(() => {
  process.chdir(before.folder);
  if (before.FOO === undefined) delete process.env.FOO;
  else process.env.FOO = before.FOO;
  rmSync(folder, { recursive: true, force: true });
});

/** Without what means nothing: the two clients leave out different empty fields. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== "object" || value === null) return value;
  const isEmpty = (one: unknown) =>
    one === undefined ||
    one === null ||
    one === "" ||
    one === 0 ||
    one === false ||
    (typeof one === "object" && Object.keys(one as object).length === 0);
  const entries = Object.entries(value).map(([key, one]) => [key, pruned(one)] as const);
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one)));
}

async function asked(args: string[]): Promise<Record<string, unknown>> {
  const { flags, args: words, given } = parseFlags(create.flags, args, { stopAtFirst: true });
  const [image = "", ...command] = words;
  const spec = await containerSpec({ flags, given: (name) => given.has(name), image, words: command });
  delete spec.MacAddress; // dropped for the API version that the recording daemon spoke
  spec.Env?.sort();
  const sent = JSON.stringify(spec).replaceAll(folder, "$PWD");
  return pruned(JSON.parse(sent)) as Record<string, unknown>;
}

for (const { args, body, error } of cases) {
  test(args.join(" "), async () => {
    if (body) expect(await asked(args)).toEqual(body);
    else {
      const thrown = await asked(args).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(thrown).toBeInstanceOf(Error);
      expect((thrown as Error).message).toBe(error ?? "");
    }
  });
}

test("lists that no flag fills are not sent, but those that Docker's client sends empty", async () => {
  const { flags, args, given } = parseFlags(create.flags, ["busybox"], { stopAtFirst: true });
  const [image = ""] = args;
  const spec = await containerSpec({ flags, given: (name) => given.has(name), image, words: [] });
  const emptyLists = Object.entries({ ...spec, ...spec.HostConfig })
    .filter(([, value]) => Array.isArray(value) && value.length === 0)
    .map(([name]) => name);
  expect(emptyLists.sort()).toEqual([
    "BlkioDeviceReadBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceWriteIOps",
    "BlkioWeightDevice",
    "Devices",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "Ulimits",
  ]);
});

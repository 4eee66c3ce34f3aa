// Functions on encodings, digests, times and paths.
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { basename, dirname } from "node:path";
import type { HclFunction } from "../evaluate.ts";
import type { Value } from "../types.ts";
import { fromJson, toJson, toText } from "../values.ts";
import { formatTime, parseTime, timeAfter } from "./times.ts";

const digest =
  (name: string): HclFunction =>
  (text) =>
    createHash(name)
      .update(toText(text ?? null))
      .digest("hex");

/** With a line of names first. */
function csvDecode(text: string): Value {
  const [names = [], ...rows] = text.trim().split(/\r?\n/).map(csvFields);
  return rows.map((row) => new Map(names.map((name, index) => [name, row[index] ?? ""])));
}

function csvFields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain,
  );
}

/** Semantic versions, a leading `v` aside; a pre-release comes before its release. */
function compareVersions(a: string, b: string): number {
  const parts = (text: string) => {
    const [core = "", pre = ""] = text.replace(/^v/, "").split("+", 1)[0]?.split(/-(.*)/s) ?? [];
    const numbers = core.split(".").map(Number);
    if (numbers.some(Number.isNaN)) throw new Error("Invalid Semantic Version");
    return { numbers, pre };
  };
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === "" || right.pre === "") return left.pre === "" ? 1 : -1;
  return left.pre < right.pre ? -1 : 1;
}

/** As url.QueryEscape of Go. */
const queryEscape = (text: string) =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

export const encodings: Record<string, HclFunction> = {
  base64decode: (text) => Buffer.from(toText(text ?? null), "base64").toString(),
  base64encode: (text) => Buffer.from(toText(text ?? null)).toString("base64"),
  basename: (path) => basename(toText(path ?? null)) || ".",
  byteslen: (text) => Buffer.byteLength(toText(text ?? null)),
  csvdecode: (text) => csvDecode(toText(text ?? null)),
  dirname: (path) => dirname(toText(path ?? null)),
  formatdate: (form, time) => formatTime(toText(form ?? null), parseTime(toText(time ?? null))),
  formattimestamp: (form, time) => formatTime(toText(form ?? null), parseTime(toText(time ?? null))),
  homedir: () => homedir(),
  jsondecode: (text) => fromJson(JSON.parse(toText(text ?? null))),
  jsonencode: (value) => toJson(value ?? null),
  md5: digest("md5"),
  semvercmp: (a, b) => compareVersions(toText(a ?? null), toText(b ?? null)),
  sha1: digest("sha1"),
  sha256: digest("sha256"),
  sha512: digest("sha512"),
  timeadd: (time, duration) => timeAfter(toText(time ?? null), toText(duration ?? null)),
  timestamp: () => new Date().toISOString().replace(/\.\d+Z$/, "Z"),
  urlencode: (text) => queryEscape(toText(text ?? null)),
  uuidv4: () => crypto.randomUUID(),
};

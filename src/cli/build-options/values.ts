// The other flags of a build that have parts: caches, secrets, keys, attestations, contexts, annotations, questions
// (docker/buildx util/buildflags).
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import type { CacheSpec, SecretSource } from "../../sdk/index.ts";
import { parseCsvLine } from "../framework/csv.ts";
import { cut, parseBool } from "../framework/flags.ts";
import { familiar, parseReference } from "../reference.ts";
import { csvOf, keyValues } from "./csv-keys.ts";

const registry = (ref: string): CacheSpec => ({ type: "registry", attributes: { ref } });

/** `user/app:cache` (several between commas), or `type=…,key=value`. */
export function parseCaches(text: string): CacheSpec[] {
  if (text === "") return [];
  if (!text.includes("=")) return parseCsvLine(text).map(registry);
  const cache: CacheSpec = { type: "", attributes: {} };
  for (const [name, value] of keyValues(text)) {
    const key = name.toLowerCase();
    if (key === "type") cache.type = value;
    else cache.attributes[key] = value;
  }
  if (!cache.type) throw new Error(`type required for ${JSON.stringify(text)}`);
  return [cache];
}

/** `id=name[,src=file][,env=VARIABLE]`; without a source it is the variable of that name, or else the file. */
export function parseSecret(text: string): [id: string, source: SecretSource] {
  let id = "";
  let type = "";
  const source: SecretSource = {};
  const notAPair = (field: string) => `invalid field '${field}' must be a key=value pair`;
  for (const [name, value] of keyValues(text, notAPair)) {
    const key = name.toLowerCase();
    if (key === "type") {
      if (value !== "file" && value !== "env")
        throw new Error(`unsupported secret type ${JSON.stringify(value)}`);
      type = value;
    } else if (key === "id") id = value;
    else if (key === "source" || key === "src") source.file = value;
    else if (key === "env") source.env = value;
    else throw new Error(`unexpected key '${key}' in '${name}=${value}'`);
  }
  if (type === "env" && !source.env) return [id, { env: source.file }];
  return [id, source];
}

/** `default`, `id=socket`, `id=key,key`. */
export function parseSsh(text: string): [id: string, paths: string[]] {
  const [id, paths] = cut(text, "=");
  return [id || "default", paths === undefined ? [] : paths.split(",")];
}

/** `--attest type=sbom,generator=image`; false where it is disabled. */
export function parseAttestation(text: string): [type: string, parameters: string | false] {
  let type = "";
  let disabled = false;
  const rest: Array<[string, string]> = [];
  for (const [name, value] of keyValues(text)) {
    const key = name.toLowerCase().trim();
    if (key === "type") type = value;
    else if (key === "disabled") {
      const truth = goBoolean(value);
      if (truth === undefined) throw new Error(`invalid value ${name}=${value}: ${notGoBoolean(value)}`);
      disabled = truth;
    } else rest.push([name, value]);
  }
  if (!type) throw new Error("attestation type not specified");
  if (disabled) return [type, false];
  return [type, csvOf([["type", type], ...rest.sort(([a], [b]) => (a < b ? -1 : 1))])];
}

/** `--sbom` and `--provenance`: yes, no, or parameters. */
export function attestationShorthand(type: string, text: string): string | undefined {
  if (text === "") return undefined;
  const truth = goBoolean(text);
  return truth === undefined ? `type=${type},${text}` : `type=${type},disabled=${!truth}`;
}

/** `name=folder or address`. A name is an image's, and means its `latest` too. */
export function parseNamedContext(text: string): [name: string, source: string] {
  const [key, source] = cut(text, "=");
  if (source === undefined) throw new Error(`invalid context value: ${text}, expected key=value`);
  try {
    const { name, tag, digest } = parseReference(key);
    const plain = familiar(name) + (tag && tag !== "latest" ? `:${tag}` : "") + (digest ? `@${digest}` : "");
    return [plain, source];
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`invalid context name ${key}: ${why}`);
  }
}

const ANNOTATED = new Set(["index", "index-descriptor", "manifest", "manifest-descriptor"]);

/** `[types:]key=value` as attributes of an image's output: `annotation-manifest[linux/amd64].key`. */
export function parseAnnotation(text: string): Array<[key: string, value: string]> {
  if (text === "") return [];
  const [left, value] = cut(text, "=");
  if (value === undefined)
    throw new Error(`parse annotations: invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const [types, key] = cut(left, ":");
  if (key === undefined) return [[`annotation.${types}`, value]];
  return types.split(",").map((one) => {
    const match = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(one);
    if (!match)
      throw new Error(
        `parse annotations: invalid annotation type ${JSON.stringify(one)}, expected type and optional platform in square brackets`,
      );
    const [, type = "", platform] = match;
    if (!ANNOTATED.has(type))
      throw new Error(`parse annotations: unknown annotation type ${JSON.stringify(type)}`);
    return [`annotation-${type}${platform ? `[${platform}]` : ""}.${key}`, value];
  });
}

export interface FrontendQuestion {
  /** `lint`, `outline`, `targets`, `subrequests.describe`. */
  name: string;
  format: string;
  ignoreStatus: boolean;
}

/** `--call=check,format=json`; undefined for a build. */
export function parseQuestion(text: string): FrontendQuestion | undefined {
  if (text === "") return undefined;
  const question: FrontendQuestion = { name: "", format: "", ignoreStatus: false };
  for (const field of parseCsvLine(text)) {
    const [key, value] = cut(field, "=");
    if (value === undefined) {
      if (question.name) throw new Error(`invalid print value: ${text}`);
      question.name = key === "check" ? "lint" : key;
    } else if (key === "format") question.format = value;
    else if (key === "ignorestatus") question.ignoreStatus = parseBool(value);
    else throw new Error(`invalid print field: ${field}`);
  }
  return question.name === "build" ? undefined : question;
}

/** `key=value`s; one without a value is `missing`'s, or left out. */
export function keyValueMap(
  texts: string[],
  missing: (key: string) => string | undefined,
): Record<string, string> {
  const map: Record<string, string> = {};
  for (const text of texts) {
    const [key, given] = cut(text, "=");
    if (key === "") throw new Error(`invalid key-value pair ${JSON.stringify(text)}: empty key`);
    const value = given ?? missing(key);
    if (value !== undefined) map[key] = value;
  }
  return map;
}

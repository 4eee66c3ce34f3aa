// `--set pattern.key=value`: what the command line says of targets, over what the files say.
import { parseBool } from "../framework/flags.ts";
import { attestationOf, cachesOf, outputOf, secretOf, sshOf } from "./options.ts";
import { matches } from "./pattern.ts";
import { type Target, withoutDoubles } from "./target.ts";

export interface Override {
  /** `args.NAME`, `tags`. */
  key: string;
  value: string;
  values: string[];
  /** `key+=value`. */
  appends: boolean;
}

/** By target, in the order of the command line; of one key the last counts, of lists all. */
export type Overrides = Map<string, Map<string, Override>>;

const LISTS = new Set([
  "output",
  "cache-to",
  "cache-from",
  "tags",
  "platform",
  "secrets",
  "ssh",
  "attest",
  "entitlements",
  "network",
  "annotations",
]);

/** Throws Errors with buildx's words. */
export function parseOverrides(
  texts: readonly string[],
  targets: readonly string[],
  environment: (name: string) => string | undefined,
): Overrides {
  const all: Overrides = new Map();
  for (const text of texts) {
    const cut = text.indexOf("=");
    const left = cut < 0 ? text : text.slice(0, cut);
    const given = cut < 0 ? undefined : text.slice(cut + 1);
    const path = left.replace(/\+$/, "");
    const [pattern = "", field, ...rest] = path.split(".");
    if (field === undefined) throw new Error(`invalid override key ${path}, expected target.name`);
    const part = rest.join(".");
    if (given === undefined && field !== "args")
      throw new Error(`invalid override ${text}, expected target.name=value`);
    const names = expand(pattern, targets);
    if ((field === "args" || field === "contexts") && part === "")
      throw new Error(`invalid key ${left}, ${field} requires name`);
    const value = given ?? environment(part);
    if (value === undefined) continue;
    const key = part === "" ? field : `${field}.${part}`;
    for (const name of names) {
      const own = all.get(name) ?? new Map<string, Override>();
      all.set(name, own);
      const before = LISTS.has(field) ? (own.get(key)?.values ?? []) : [];
      own.set(key, { key, value, values: [...before, value], appends: left.endsWith("+") });
    }
  }
  return all;
}

function expand(pattern: string, targets: readonly string[]): string[] {
  if (targets.includes(pattern)) return [pattern];
  const names = targets.filter((name) => matches(pattern, name));
  if (names.length === 0) throw new Error(`could not find any target matching '${pattern}'`);
  return names;
}

/** Changes the target. Throws Errors with buildx's words. */
export function applyOverrides(target: Target, overrides: ReadonlyMap<string, Override> | undefined): void {
  for (const override of overrides?.values() ?? []) apply(target, override);
}

function apply(target: Target, { key, value, values, appends }: Override): void {
  const [field = "", ...rest] = key.split(".");
  const part = rest.join(".");
  const list = <T>(before: T[] | undefined, more: T[]) => (appends ? [...(before ?? []), ...more] : more);
  switch (field) {
    case "context":
    case "dockerfile":
    case "target":
    case "call":
    case "shm-size":
    case "network":
      target[field] = value;
      return;
    case "args":
    case "contexts":
    case "labels":
    case "extra-hosts":
      if (part === "") throw new Error(`invalid format for ${field}, expecting ${field}.<name>=<value>`);
      target[field] = { ...target[field], [part]: value };
      return;
    case "tags":
    case "no-cache-filter":
    case "ulimits":
      target[field] = list(target[field], values);
      return;
    case "platform":
      target.platforms = list(target.platforms, values);
      return;
    case "cache-from":
    case "cache-to":
      target[field] = withoutDoubles(list(target[field], values.flatMap(cachesOf)));
      return;
    case "secrets":
      target.secret = withoutDoubles(list(target.secret, values.map(secretOf)));
      return;
    case "ssh":
      target.ssh = withoutDoubles(list(target.ssh, values.map(sshOf)));
      return;
    case "output":
      target.output = withoutDoubles(list(target.output, values.map(outputOf)));
      return;
    case "entitlements":
    case "annotations":
      target[field] = [...(target[field] ?? []), ...values];
      return;
    case "attest":
      target.attest = withoutDoubles([...(target.attest ?? []), ...values.map(attestationOf)]);
      return;
    case "no-cache":
    case "pull":
      target[field] = truth(field, value);
      return;
    case "push":
      setPush(target, truth(field, value));
      return;
    case "load":
      if (truth(field, value)) setLoad(target);
      return;
  }
  throw new Error(`unknown key: ${field}`);
}

function truth(key: string, text: string): boolean {
  try {
    return parseBool(text);
  } catch {
    throw new Error(`invalid value ${text} for boolean key ${key}`);
  }
}

function setPush(target: Target, push: boolean): void {
  const outputs = (target.output ?? []).map((one) => ({ ...one, attributes: { ...one.attributes } }));
  if (!push) {
    target.output = outputs.filter(({ type }) => type !== "registry");
    for (const { type, attributes } of target.output) if (type === "image") attributes.push = "false";
    return;
  }
  for (const { type, attributes } of outputs) if (type === "image") attributes.push = "true";
  if (outputs.every(({ type }) => type === "docker"))
    outputs.push({ type: "image", destination: "", attributes: { push: "true" } });
  target.output = outputs;
}

/** Not where it goes to files, or is loaded already. */
function setLoad(target: Target): void {
  const outputs = target.output ?? [];
  const isElsewhere = outputs.some(({ type, destination }) =>
    type === "docker" ? destination === "" : !["image", "registry", "oci"].includes(type),
  );
  if (!isElsewhere) target.output = [...outputs, { type: "docker", destination: "", attributes: {} }];
}

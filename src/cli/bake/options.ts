// Options that a bake file writes as texts (`type=registry,ref=user/app`) or as objects.
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import type { CacheSpec } from "../../sdk/index.ts";
import { keyValues } from "../build-options/csv-keys.ts";
import { type OutputOption, parseOutput } from "../build-options/outputs.ts";
import { parseCaches, parseSecret } from "../build-options/values.ts";
import type { Attestation, SecretOption, SshOption } from "./target.ts";

/** An option as the file has it: a text, or an object whose values are texts (or lists of them). */
export type Written = string | Record<string, string | string[]>;

type Fields = Record<string, string | string[]>;
const textOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(",") : value;

/** Without `names`, which mean something of their own. */
function attributesOf(fields: Fields, ...names: string[]): Record<string, string> {
  const rest = Object.entries(fields).filter(([key]) => !names.includes(key));
  return Object.fromEntries(rest.map(([key, value]) => [key, textOf(value) ?? ""]));
}

export function cachesOf(written: Written): CacheSpec[] {
  if (typeof written === "string") return parseCaches(written);
  const type = textOf(written.type);
  if (!type) throw new Error(`type required for ${JSON.stringify(JSON.stringify(written))}`);
  return [{ type, attributes: attributesOf(written, "type") }];
}

export function outputOf(written: Written): OutputOption {
  if (typeof written === "string") return parseOutput(written);
  const type = textOf(written.type);
  if (!type) throw new Error("type is required for output");
  return { type, destination: textOf(written.dest) ?? "", attributes: attributesOf(written, "type", "dest") };
}

export function secretOf(written: Written): SecretOption {
  if (typeof written === "string") {
    const [id, { file, env }] = parseSecret(written);
    return { id, ...(file && { file }), ...(env && { env }) };
  }
  const [file, env] = [textOf(written.src), textOf(written.env)];
  return { id: textOf(written.id) ?? "", ...(file && { file }), ...(env && { env }) };
}

export function sshOf(written: Written): SshOption {
  if (typeof written !== "string") {
    const { id, paths = [] } = written;
    return { id: textOf(id) ?? "", paths: Array.isArray(paths) ? paths : [paths] };
  }
  const [id = "", ...rest] = written.split("=");
  return { id, paths: rest.length > 0 ? rest.join("=").split(",") : [] };
}

export function attestationOf(written: Written): Attestation {
  const fields = typeof written === "string" ? Object.fromEntries(keyValues(written)) : written;
  const type = textOf(fields.type);
  if (!type) throw new Error("attestation type not specified");
  const disabled = textOf(fields.disabled);
  const truth = disabled === undefined ? false : goBoolean(disabled);
  if (truth === undefined)
    throw new Error(`invalid value disabled=${disabled}: ${notGoBoolean(disabled ?? "")}`);
  return { type, disabled: truth, attributes: attributesOf(fields, "type", "disabled") };
}

/** A list of an option's field, as a target has it. */
export const OPTIONS = {
  attest: (written: Written[]) => written.map(attestationOf),
  "cache-from": (written: Written[]) => written.flatMap(cachesOf),
  "cache-to": (written: Written[]) => written.flatMap(cachesOf),
  secret: (written: Written[]) => written.map(secretOf),
  ssh: (written: Written[]) => written.map(sshOf),
  output: (written: Written[]) => written.map(outputOf),
} as const;

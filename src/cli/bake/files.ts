// Which bake files there are, and what each of them is: HCL, its JSON form, or Compose.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { composeConfig, readCompose } from "./compose.ts";
import { evaluateFiles } from "./definition.ts";
import { parseHcl } from "./hcl/parse-body.ts";
import { parseHclJson } from "./hcl/parse-json.ts";
import type { Body } from "./hcl/types.ts";
import { parseEnvFile } from "./interpolate.ts";
import { type Config, merged } from "./resolve.ts";
import type { BakeVariable } from "./variables.ts";

export interface BakeFile {
  name: string;
  text: string;
}

/** Those that are looked for where none is named. */
const DEFAULTS = [
  "compose.yaml",
  "compose.yml",
  "docker-compose.yml",
  "docker-compose.yaml",
  "docker-bake.json",
  "docker-bake.hcl",
  "docker-bake.override.json",
  "docker-bake.override.hcl",
];

/** In their order; `-` is standard input. Throws an Error with Go's words for a file that can't be read. */
export async function readBakeFiles(
  names: readonly string[],
  standardInput: () => Promise<string>,
): Promise<BakeFile[]> {
  const files: BakeFile[] = [];
  for (const name of names.length > 0 ? names : DEFAULTS) {
    if (name === "-") files.push({ name, text: await standardInput() });
    else
      try {
        files.push({ name, text: readFileSync(name, "utf8") });
      } catch (thrown) {
        const { code } = thrown as { code?: string };
        if (code === "ENOENT" && names.length === 0) continue;
        throw new Error(
          `open ${name}: ${code === "ENOENT" ? "no such file or directory" : describeCode(code)}`,
        );
      }
  }
  return files;
}

const describeCode = (code: string | undefined) =>
  ({ EACCES: "permission denied", EISDIR: "is a directory", ENOTDIR: "not a directory" })[code ?? ""] ??
  code ??
  "failed";

export interface Parsed extends Config {
  variables: BakeVariable[];
}

/** Throws an HclError, or an Error with buildx's words. */
export function parseBakeFiles(
  files: readonly BakeFile[],
  builtIn: Record<string, string>,
  environment: (name: string) => string | undefined,
): Parsed {
  const composed: ReturnType<typeof readCompose>[] = [];
  const bodies: Body[] = [];
  for (const file of files) {
    const read = readOne(file);
    if ("body" in read) bodies.push(read.body);
    else composed.push(read.compose);
  }
  const configs: Config[] = [];
  if (composed.length > 0)
    try {
      configs.push(composeConfig(composed, withEnvFile(environment)));
    } catch (thrown) {
      throw new Error(`failed to parse compose file: ${(thrown as Error).message}`);
    }
  const own = evaluateFiles(bodies, { builtIn, environment });
  configs.push(own);
  return { ...merged(configs), variables: own.variables };
}

function readOne({ name, text }: BakeFile): { body: Body } | { compose: ReturnType<typeof readCompose> } {
  const lower = name.toLowerCase();
  if (/\.ya?ml$/.test(lower)) return { compose: readCompose(text) };
  if (lower.endsWith(".json")) return { body: parseHclJson(text, name) };
  if (lower.endsWith(".hcl")) return { body: parseHcl(text, name) };
  try {
    return { compose: readCompose(text) };
  } catch {}
  try {
    return { body: parseHcl(text, `${name}.hcl`) };
  } catch (thrown) {
    try {
      return { body: parseHclJson(text, `${name}.json`) };
    } catch {
      throw thrown;
    }
  }
}

/** Compose reads `.env` beside where it is called, too. */
function withEnvFile(
  environment: (name: string) => string | undefined,
): (name: string) => string | undefined {
  let found: Record<string, string> = {};
  try {
    found = parseEnvFile(readFileSync(join(dirname("."), ".env"), "utf8"), environment);
  } catch {}
  return (name) => environment(name) ?? found[name];
}

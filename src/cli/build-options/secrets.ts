// Secrets are looked for before a build begins: a forgotten file is said at once.
import { stat } from "node:fs/promises";
import type { SecretSource } from "../../sdk/index.ts";
import { parseSecret } from "./values.ts";

const LARGEST = 500 * 1024;

export async function secretsOf(texts: string[]): Promise<Record<string, SecretSource>> {
  const secrets: Record<string, SecretSource> = {};
  for (const text of texts.filter(Boolean)) {
    const [id, given] = parseSecret(text);
    if (!id) throw new Error("secret missing ID");
    let source = given;
    if (!source.env && !source.file) source = process.env[id] === undefined ? { file: id } : { env: id };
    if (source.file && !source.env) {
      const path = source.file;
      const found = await stat(path).catch(() => undefined);
      if (!found) throw new Error(`failed to stat ${path}: stat ${path}: no such file or directory`);
      if (found.size > LARGEST) throw new Error(`secret ${id} too big. max size 500KiB`);
    }
    secrets[id] = source;
  }
  return secrets;
}

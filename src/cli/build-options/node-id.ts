// Which machine and user builds are from: part of the key by which a daemon keeps a folder that it has got, so that two
// people's folders of one name don't overwrite each other. Docker's buildx has the same file.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = ".buildNodeID";

/** Made on first use; empty where it can't be kept. */
export async function nodeId(configFolder: string): Promise<string> {
  const folder = process.env.BUILDX_CONFIG || join(configFolder, "buildx");
  const path = join(folder, FILE);
  const known = (await readFile(path, "utf8").catch(() => "")).trim();
  if (known) return known;
  const made = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, made, { mode: 0o600 });
    return made;
  } catch {
    return "";
  }
}

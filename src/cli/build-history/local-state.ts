// What only the client knows of a build: which folder of this host it was. Docker's buildx keeps it in the same place,
// so both name the builds of both.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface LocalState {
  Target: string;
  LocalPath: string;
  DockerfilePath: string;
}

function folderOf(configFolder: string, builder: string): string {
  return join(process.env.BUILDX_CONFIG || join(configFolder, "buildx"), "refs", builder, builder);
}

/** Where it can't be kept the build goes on: only its name in a list is lost. */
export async function keepLocalState(
  configFolder: string,
  builder: string,
  ref: string,
  state: LocalState,
): Promise<void> {
  const folder = folderOf(configFolder, builder);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, ref), JSON.stringify(state), { mode: 0o644 });
  } catch {}
}

export async function readLocalState(
  configFolder: string,
  builder: string,
  ref: string,
): Promise<LocalState | undefined> {
  if (!/^[a-z0-9]+$/.test(ref)) return undefined;
  const text = await readFile(join(folderOf(configFolder, builder), ref), "utf8").catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as LocalState);
  } catch {
    return undefined;
  }
}

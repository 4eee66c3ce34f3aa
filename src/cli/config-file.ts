// ~/.docker/config.json: what people have told Docker's client, and what we therefore know too.
import { fail } from "./framework/failure.ts";

export interface AuthEntry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** The keys that we read; the others are kept when the file is written again. */
export interface ConfigFile {
  auths?: Record<string, AuthEntry>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  HttpHeaders?: Record<string, string>;
  currentContext?: string;
  detachKeys?: string;
  psFormat?: string;
  imagesFormat?: string;
  networksFormat?: string;
  volumesFormat?: string;
  statsFormat?: string;
  pruneFilters?: string[];
  proxies?: Record<string, Record<string, string>>;
  [key: string]: unknown;
}

/** The folder: `--config`, DOCKER_CONFIG, or ~/.docker. */
export function configFolder(flagged: string | undefined): string {
  return flagged || process.env.DOCKER_CONFIG || `${process.env.HOME || "/root"}/.docker`;
}

/** Reads config.json of the folder; an absent file is an empty one. */
export async function readConfigFile(folder: string): Promise<ConfigFile> {
  const path = `${folder}/config.json`;
  let text: string;
  try {
    text = await Bun.file(path).text();
  } catch {
    return {}; // absent or unreadable, as Docker's client takes it
  }
  if (!text.trim()) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) throw new Error("not an object");
    return parsed as ConfigFile;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw fail(`WARNING: Error loading config file: ${path}: ${why}`);
  }
}

/** Writes config.json whole, readable by its owner alone, in one step. */
export async function writeConfigFile(folder: string, config: ConfigFile): Promise<void> {
  const { mkdir, rename, writeFile } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${folder}/config.json.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(config, null, "\t")}\n`, { mode: 0o600 });
  await rename(draft, `${folder}/config.json`);
}

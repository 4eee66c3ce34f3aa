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

/**
 * Reads config.json of the folder; an absent file is an empty one. What of it can't be read is left out, and `warn`
 * hears of it, as Docker's client does: a typing error in one setting doesn't take the tool away.
 */
export async function readConfigFile(
  folder: string,
  warn: (warning: string) => Promise<void>,
): Promise<ConfigFile> {
  const path = `${folder}/config.json`;
  const tell = (why: string) => warn(`WARNING: Error parsing config file (${path}): ${why}`);
  let text: string;
  try {
    text = await Bun.file(path).text();
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
    if (code === "EISDIR") await tell(`read ${path}: is a directory`);
    else if (code === "EACCES")
      await warn(`WARNING: Error loading config file: open ${path}: permission denied`);
    return {};
  }
  if (!text.trim()) return {};
  const { readSettings } = await import("./config-json.ts");
  const { config, problem } = readSettings(text);
  if (problem) await tell(problem);
  return config;
}

/**
 * Writes config.json whole and in one step, readable by its owner alone unless it was readable by more. Where it is a
 * link, what it leads to is written. A file that can't be read is not written over: what is in it would be lost.
 */
export async function writeConfigFile(folder: string, config: ConfigFile): Promise<void> {
  const { mkdir, realpath, rename, stat, writeFile } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const named = `${folder}/config.json`;
  let broken = "";
  await readConfigFile(folder, async (warning) => {
    broken = warning;
  });
  if (broken) throw fail(`${named} is not written over, since it can't be read: mend or remove it`);
  const path = await realpath(named).catch(() => named);
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify(config, null, "\t"), { mode });
  await rename(draft, path);
}

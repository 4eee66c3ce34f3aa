// Credentials of registries: config.json's `auths`, or a helper program that keeps them (`credsStore`,
// `credHelpers`: docker-credential-NAME with get, store, erase and list; github.com/docker/docker-credential-helpers).
import type { RegistryAuth } from "../sdk/index.ts";
import { type AuthEntry, type ConfigFile, writeConfigFile } from "./config-file.ts";
import { fail } from "./framework/failure.ts";
import type { Session } from "./session.ts";

/** Docker Hub's key, older than the domain it stands for. */
export const HUB = "https://index.docker.io/v1/";

/** The key of a registry in config.json. */
export const keyOf = (domain: string) =>
  domain === "docker.io" || domain === "index.docker.io" ? HUB : domain;

/** What is known for a registry; undefined where nobody has logged in. */
export async function authFor(session: Session, domain: string): Promise<RegistryAuth | undefined> {
  const config = await session.config();
  const key = keyOf(domain);
  const helper = helperFor(config, key);
  if (helper) return fromHelper(helper, key);
  return fromEntry(entryOf(config, key), key);
}

/** All that is known, by registry, in the form of config.json. What a helper keeps is asked for. */
export async function allAuths(session: Session): Promise<Record<string, AuthEntry>> {
  const config = await session.config();
  const kept = config.credsStore ? await listed(config.credsStore) : [];
  const names = new Set([
    ...Object.keys(config.auths ?? {}),
    ...Object.keys(config.credHelpers ?? {}),
    ...kept,
  ]);
  const all: Record<string, AuthEntry> = {};
  for (const name of names) {
    const helper = helperFor(config, name);
    const auth = helper ? await fromHelper(helper, name) : fromEntry(config.auths?.[name], name);
    if (!auth) continue;
    const { username = "", password = "", identitytoken } = auth;
    const pair = username || password ? Buffer.from(`${username}:${password}`).toString("base64") : undefined;
    all[name] = { ...(pair && { auth: pair }), ...(identitytoken && { identitytoken }) };
  }
  return all;
}

/** The registries that a helper knows. */
async function listed(helper: string): Promise<string[]> {
  const { code, output } = await callHelper(helper, "list", "");
  if (code !== 0)
    throw fail(`error listing credentials - err: exit status ${code}, out: \`${output.trim()}\``);
  return Object.keys(JSON.parse(output || "{}") as object);
}

function helperFor(config: ConfigFile, key: string): string | undefined {
  return config.credHelpers?.[hostOf(key)] ?? config.credHelpers?.[key] ?? (config.credsStore || undefined);
}

/** `https://host/v1/` and `host` are the same registry to whoever logged in with either. */
const hostOf = (key: string) => key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

function entryOf(config: ConfigFile, key: string): AuthEntry | undefined {
  const auths = config.auths ?? {};
  return auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
}

function fromEntry(entry: AuthEntry | undefined, serveraddress: string): RegistryAuth | undefined {
  if (!entry) return undefined;
  const [username = "", ...rest] = Buffer.from(entry.auth ?? "", "base64")
    .toString()
    .split(":");
  return {
    username: entry.username || username,
    password: entry.password || rest.join(":").replace(/\0+$/, ""),
    serveraddress,
    ...(entry.identitytoken && { identitytoken: entry.identitytoken }),
    ...(entry.registrytoken && { registrytoken: entry.registrytoken }),
  };
}

/** What helpers print when they know nothing; it is no error. */
const UNKNOWN = "credentials not found in native keychain";

async function fromHelper(helper: string, key: string): Promise<RegistryAuth | undefined> {
  const { code, output } = await callHelper(helper, "get", key);
  if (code !== 0) {
    if (output.trim() === UNKNOWN) return undefined;
    throw fail(`error getting credentials - err: exit status ${code}, out: \`${output.trim()}\``);
  }
  const { Username = "", Secret = "" } = JSON.parse(output) as { Username?: string; Secret?: string };
  // A token in the place of a name: the secret is an identity token.
  if (Username === "<token>") return { serveraddress: key, identitytoken: Secret };
  return { username: Username, password: Secret, serveraddress: key };
}

async function callHelper(helper: string, action: "get" | "store" | "erase" | "list", input: string) {
  const name = `docker-credential-${helper}`;
  if (!Bun.which(name))
    throw fail(
      `error getting credentials - err: exec: "${name}": executable file not found in $PATH, out: \`\``,
    );
  const child = Bun.spawn([name, action], { stdin: Buffer.from(input), stdout: "pipe", stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  return { code: await child.exited, output };
}

/** Keeps credentials; gives the words for where. */
export async function storeAuth(session: Session, auth: RegistryAuth): Promise<"helper" | "file"> {
  const config = await session.config();
  const key = auth.serveraddress ?? HUB;
  const helper = helperFor(config, key);
  if (helper) {
    const token = auth.identitytoken;
    const secret = JSON.stringify({
      ServerURL: key,
      Username: token ? "<token>" : auth.username,
      Secret: token ?? auth.password,
    });
    const { code, output } = await callHelper(helper, "store", secret);
    if (code !== 0)
      throw fail(
        `Error saving credentials: error storing credentials - err: exit status ${code}, out: \`${output.trim()}\``,
      );
    await save(session, config, key, {});
    return "helper";
  }
  const pair = Buffer.from(`${auth.username}:${auth.identitytoken ? "" : auth.password}`).toString("base64");
  await save(session, config, key, {
    auth: pair,
    ...(auth.identitytoken && { identitytoken: auth.identitytoken }),
  });
  return "file";
}

async function save(session: Session, config: ConfigFile, key: string, entry: AuthEntry): Promise<void> {
  await writeConfigFile(session.configFolder, { ...config, auths: { ...config.auths, [key]: entry } });
}

/** Forgets a registry's credentials; true when there were any. */
export async function eraseAuth(session: Session, domain: string): Promise<boolean> {
  const config = await session.config();
  const key = keyOf(domain);
  const names = Object.keys(config.auths ?? {}).filter(
    (name) => name === key || hostOf(name) === hostOf(key),
  );
  const helper = helperFor(config, key);
  if (names.length === 0 && !helper) return false;
  if (helper) await callHelper(helper, "erase", key);
  const auths = Object.fromEntries(
    Object.entries(config.auths ?? {}).filter(([name]) => !names.includes(name)),
  );
  await writeConfigFile(session.configFolder, { ...config, auths });
  return true;
}

// What a bake file wants of this host beyond its own folder, and what the command line allows.

import { existsSync, realpathSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { createInterface } from "node:readline/promises";
import { goBoolean } from "../../base/go-boolean.ts";
import { isRemoteAddress } from "../../sdk/index.ts";
import { fail } from "../framework/failure.ts";
import type { Output } from "../output.ts";
import { isTerminal } from "../output.ts";
import { placesOf } from "./order.ts";
import type { Target } from "./target.ts";

interface Allowed {
  flags: Set<string>;
  read: string[];
  write: string[];
}

const PLAIN = new Set(["network.host", "security.insecure", "ssh"]);
const VALUED = new Set(["device", "image", "image.push", "image.load"]);

/** Throws for a right that isn't. The folder where the command is called is allowed. */
export function parseAllowed(texts: readonly string[]): Allowed {
  const here = process.cwd();
  const allowed: Allowed = { flags: new Set(), read: [here], write: [here] };
  for (const text of texts) {
    const [key = "", value = ""] = text.split(/=(.*)/s);
    if (key === "fs.read" || key === "fs") allowed.read.push(value);
    if (key === "fs.write" || key === "fs") allowed.write.push(value);
    if (PLAIN.has(text) || VALUED.has(key)) allowed.flags.add(text);
    else if (!key.startsWith("fs")) throw new Error(`unknown entitlement key ${JSON.stringify(key)}`);
  }
  return allowed;
}

interface Missing {
  messages: string[];
  flags: string[];
}

/** What of the targets' wishes isn't allowed; undefined: nothing. */
export function missingRights(targets: Target[], allowed: Allowed): Missing | undefined {
  const messages: string[] = [];
  const flags: string[] = [];
  const wants = new Set(targets.flatMap(({ entitlements = [] }) => entitlements));
  const lack = (flag: string, message: string) => {
    messages.push(` - ${message}`);
    flags.push(`--allow=${flag}`);
  };
  if (wants.has("network.host") && !allowed.flags.has("network.host"))
    lack("network.host", "Running build containers that can access host network");
  if (wants.has("security.insecure") && !allowed.flags.has("security.insecure"))
    lack("security.insecure", "Running privileged containers that can make system changes");
  const usesAgent = targets.some(({ ssh = [] }) => ssh.some(({ paths }) => paths.length === 0));
  if (usesAgent && !allowed.flags.has("ssh")) lack("ssh", "Forwarding default SSH agent socket");
  const read = outside(targets.flatMap(readPaths), allowed.read);
  const write = outside(targets.flatMap(writtenPaths), allowed.write);
  for (const path of read.filter((one) => write.includes(one)))
    lack(`fs=${path}`, `Read and write access to path ${path}`);
  for (const path of read.filter((one) => !write.includes(one)))
    lack(`fs.read=${path}`, `Read access to path ${path}`);
  for (const path of write.filter((one) => !read.includes(one)))
    lack(`fs.write=${path}`, `Write access to path ${path}`);
  return messages.length > 0 ? { messages, flags } : undefined;
}

function readPaths(target: Target): string[] {
  const { context, dockerfile } = placesOf(target);
  const inline = target["dockerfile-inline"] !== undefined;
  const named = Object.values(target.contexts ?? {}).filter(
    (one) => !/^(?:target:|docker-image:|oci-layout:)/.test(one),
  );
  const caches = (target["cache-from"] ?? []).flatMap(({ type, attributes: { src } }) =>
    type === "local" && src ? [src] : [],
  );
  const secrets = (target.secret ?? []).flatMap(({ file }) => (file ? [file] : []));
  const keys = (target.ssh ?? []).flatMap(({ paths }) => paths);
  return [
    context,
    ...(inline || dockerfile === "" ? [] : [dockerfile]),
    ...named.map((one) => one.replace(/^cwd:\/\//, "") || "."),
    ...caches,
    ...secrets,
    ...keys,
  ].filter((path) => !isRemoteAddress(path));
}

const ARCHIVES = new Set(["local", "tar", "oci", "docker"]);

function writtenPaths(target: Target): string[] {
  const outputs = (target.output ?? []).flatMap(({ type, destination }) =>
    ARCHIVES.has(type) && destination && destination !== "-" ? [destination] : [],
  );
  const caches = (target["cache-to"] ?? []).flatMap(({ type, attributes: { dest } }) =>
    type === "local" && dest ? [dest] : [],
  );
  return [...outputs, ...caches];
}

/** What there is of it, with links followed: the folder in which something is made. */
function real(path: string): string {
  let head = resolve(path);
  while (!existsSync(head) && dirname(head) !== head) head = dirname(head);
  return realpathSync(head);
}

function outside(paths: string[], allowed: string[]): string[] {
  if (allowed.includes("*")) return [];
  const roots = allowed.filter(Boolean).map(real);
  const isIn = (path: string) =>
    roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
  const found = [...new Set(paths.map(real))].filter((path) => !isIn(path)).sort();
  const shallow = found.filter(
    (path) => !found.some((other) => other !== path && path.startsWith(other + sep)),
  );
  return shallow.map((path) => {
    const near = relative(realpathSync(process.cwd()), path);
    return near.startsWith("..") ? path : near;
  });
}

/** Asks at a terminal. Throws where the answer is no, and where nobody can be asked. */
export async function requireRights(missing: Missing, program: string, err: Output): Promise<void> {
  const flags = missing.flags.join(" ");
  const terminal = isTerminal(0);
  const isForFiles = (flag: string) => /^--allow=(?:fs|ssh)/.test(flag);
  const preset = process.env.BUILDX_BAKE_ENTITLEMENTS_FS;
  const args = process.argv.slice(2);
  const at = args.indexOf("bake") + 1;
  const command = [program, ...args.slice(0, at), flags, ...args.slice(at)].join(" ");
  const advice = terminal
    ? `In order to not see this message in the future pass ${JSON.stringify(flags)} to grant requested privileges.`
    : `Pass ${JSON.stringify(flags)} to grant requested privileges.`;
  const head = "Your build is requesting privileges for following possibly insecure capabilities:";
  await err.write(
    `${head}\n\n${missing.messages.join("\n")}\n\n${advice}\n\nYour full command with requested privileges:\n\n${command}\n\n`,
  );
  if (preset !== undefined && goBoolean(preset) === false && missing.flags.every(isForFiles)) return;
  if (preset === undefined && missing.flags.some(isForFiles))
    await err.write(
      "To disable filesystem entitlements checks, you can set BUILDX_BAKE_ENTITLEMENTS_FS=0 .\n\n",
    );
  if (!terminal) throw fail("ERROR: additional privileges requested");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question("Do you want to grant requested privileges and continue? [y/N] ");
    if (!/^y(?:es)?$/i.test(answer.trim())) throw fail("ERROR: additional privileges requested");
  } finally {
    lines.close();
  }
}

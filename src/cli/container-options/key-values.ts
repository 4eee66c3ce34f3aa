// `KEY=value` pairs: environment variables, labels, log options, and the files that hold many of them.
import { cut } from "../framework/flags.ts";
import { ipVersion } from "./ip-address.ts";

/** `-e`: a pair, or a name whose value is our own environment's; a name we don't have stays a name. */
export function checkEnvironment(text: string): string {
  const [name, value] = cut(text, "=");
  if (name === "") throw new Error(`invalid environment variable: ${text}`);
  if (value !== undefined) return text;
  const own = process.env[name];
  return own === undefined ? text : `${name}=${own}`;
}

export function checkLabel(text: string): string {
  const name = cut(text, "=")[0].replace(/^[ \t]+/, "");
  if (name === "") throw new Error(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(name)) throw new Error(`label '${name}' contains whitespaces`);
  return text;
}

/** Pairs as a map; a name alone has an empty value. The last one of a name holds. */
export function asMap(pairs: string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => cut(pair, "=")).map(([name, value]) => [name, value ?? ""]));
}

/**
 * The lines of an `--env-file` or `--label-file`: comments and empty lines apart, values as they stand. `lookUp` gives
 * the value of a name that stands alone; without it, or where it has none, the name is left out.
 */
export async function readPairsFile(
  path: string,
  lookUp?: (name: string) => string | undefined,
): Promise<string[]> {
  const { readFile } = await import("node:fs/promises");
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    const why = reason(thrown);
    throw new Error(
      why === "is a directory" ? `invalid env file (${path}): read ${path}: ${why}` : `open ${path}: ${why}`,
    );
  }
  try {
    return parsePairs(bytes, lookUp);
  } catch (thrown) {
    throw new Error(
      `invalid env file (${path}): ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
}

export function parsePairs(bytes: Uint8Array, lookUp?: (name: string) => string | undefined): string[] {
  const pairs: string[] = [];
  for (const [index, raw] of splitLines(bytes).entries()) {
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: index > 0 }).decode(raw);
    } catch {
      throw new Error(`invalid utf8 bytes at line ${index + 1}: [${[...raw].join(" ")}]`);
    }
    const line = text.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [name, value] = cut(line, "=");
    if (name === "") throw new Error(`no variable name on line '${line}'`);
    if (/[ \t]/.test(name)) throw new Error(`variable '${name}' contains whitespaces`);
    if (value !== undefined) pairs.push(line);
    else {
      const found = lookUp?.(line);
      if (found !== undefined) pairs.push(`${name}=${found}`);
    }
  }
  return pairs;
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from);
    const stop = end < 0 ? bytes.length : end;
    lines.push(bytes.subarray(from, bytes[stop - 1] === 13 && stop > from ? stop - 1 : stop));
    from = stop + 1;
  }
  return lines;
}

/** The kernel's words for why a file can't be had, as Go prints them. */
export function reason(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (code === "ENOENT") return "no such file or directory";
  if (code === "EACCES") return "permission denied";
  if (code === "EISDIR") return "is a directory";
  if (code === "ENOTDIR") return "not a directory";
  if (code === "EEXIST") return "file exists";
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export function checkIp(text: string): string {
  const address = text.trim();
  if (!ipVersion(address)) throw new Error(`IP address is not correctly formatted: ${text}`);
  return address;
}

/** `--add-host name:ip` or `name=ip`; the address may be `host-gateway`. */
export function checkExtraHost(text: string): string {
  const [name, value] = cut(text, text.includes("=") ? "=" : ":");
  if (value === undefined || name === "" || name.includes(":")) {
    throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  }
  const address = /^\[(.+)\]$/.exec(value)?.[1] ?? value;
  if (address !== "host-gateway" && !ipVersion(address.trim())) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${address}`;
}

export function checkLink(text: string): string {
  if (text === "") throw new Error("empty string specified for links");
  if (text.split(":").length > 2) throw new Error(`bad format for links: ${text}`);
  return text;
}

export function checkDnsSearch(text: string): string {
  const domain = text.replace(/^ +| +$/g, "");
  if (domain === ".") return domain;
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const match = new RegExp(`^(${label}(?:\\.${label})*)\\.?\\s*$`).exec(domain);
  if (!/[a-zA-Z]/.test(domain) || !match?.[1] || match[1].length >= 255) {
    throw new Error(`${domain} is not a valid domain`);
  }
  return match[1];
}

const SYSCTLS = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map(
    (name) => `kernel.${name}`,
  ),
);

/** Sysctls that belong to a namespace of the container's own. */
export function checkSysctl(text: string): string {
  const [name, value] = cut(text, "=");
  const allowed = SYSCTLS.has(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  if (value === undefined || !allowed) throw new Error(`sysctl '${text}' is not allowed`);
  return text;
}

// Where a daemon listens: `unix:///path`, `tcp://host:port` with TLS material, `ssh://[user@]host[:port][/path]`.
import { SdkError } from "./errors.ts";

/** Certificates as PEM texts; `verify: false` encrypts without checking whom we talk to (`--tls`). */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
  verify?: boolean;
}

export interface UnixEndpoint {
  kind: "unix";
  host: string;
  path: string;
  /** What the program behind the socket said of a connection that broke, where there is one (ssh). */
  complaint?: () => Promise<string | undefined>;
}

export interface TcpEndpoint {
  kind: "tcp";
  host: string;
  hostname: string;
  port: number;
  base: string;
  tls?: TlsMaterial;
}

/** A daemon on another host, reached through its ssh server. `socket` is the daemon's there, where it was named. */
export interface SshEndpoint {
  kind: "ssh";
  host: string;
  user?: string;
  hostname: string;
  port?: number;
  socket?: string;
}

export type Endpoint = UnixEndpoint | TcpEndpoint | SshEndpoint;
/** What a connection can be opened to. */
export type SocketEndpoint = UnixEndpoint | TcpEndpoint;

/** Where Berth's own daemon listens unless told otherwise. */
export const DEFAULT_HOST = "unix:///run/berth/berth.sock";

const DEFAULT_PORT = { plain: 2375, tls: 2376 };

/**
 * Reads a host as `-H` and DOCKER_HOST give it (docker/cli opts/hosts.go: `unix://`, `tcp://`, bare `host:port`).
 * Throws an SdkError for what has no meaning here.
 */
export function parseEndpoint(host: string, tls?: TlsMaterial): Endpoint {
  const text = host.trim();
  const [scheme, rest] = text.includes("://") ? split(text) : ["tcp", text];
  if (scheme === "unix") {
    if (rest.includes("://")) throw new SdkError("protocol", `invalid proto, expected unix: ${rest}`);
    const path = rest || "/var/run/docker.sock";
    return { kind: "unix", host: `unix://${path}`, path };
  }
  if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    return tcpEndpoint(text, rest, scheme === "https" && !tls ? { verify: true } : tls);
  }
  if (scheme === "ssh") return sshEndpoint(text);
  if (scheme === "npipe") throw new SdkError("protocol", "protocol not available");
  throw new SdkError("protocol", `invalid bind address format: ${text}`);
}

function split(text: string): [string, string] {
  const at = text.indexOf("://");
  return [text.slice(0, at), text.slice(at + 3)];
}

function tcpEndpoint(whole: string, rest: string, tls?: TlsMaterial): TcpEndpoint {
  const fallback = tls ? DEFAULT_PORT.tls : DEFAULT_PORT.plain;
  const [, address = "", path = ""] = /^([^/]*)(\/.*)?$/.exec(rest) ?? [];
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:]*)(?::(\d*))?$/.exec(address);
  if (!match)
    throw badPort(whole, address) ?? new SdkError("protocol", `invalid bind address format: ${whole}`);
  const name = match[1] || "localhost";
  const port = match[2] ? Number(match[2]) : fallback;
  if (port > 65535) throw new SdkError("protocol", `invalid bind address format: ${whole}`);
  const prefix = path.replace(/\/$/, "");
  return {
    kind: "tcp",
    host: `tcp://${name}:${port}${prefix}`,
    hostname: name.replace(/^\[|\]$/g, ""),
    port,
    base: `${tls ? "https" : "http"}://${name}:${port}${prefix}`,
    tls,
  };
}

/** Go's words for a port that is no number; nothing where that isn't what is wrong. */
function badPort(whole: string, address: string): SdkError | undefined {
  const port = /^(?:\[.*\]|[^:]*)(:[^:]*)$/.exec(address)?.[1];
  if (!port || /^:\d*$/.test(port)) return undefined;
  return new SdkError("protocol", `parse ${JSON.stringify(whole)}: invalid port "${port}" after host`);
}

/** What ssh and the shells between here and there would read as something else than a name. */
const NAME = /^[\p{L}\p{N}_%@+.:\\-]+$/u;

/** Docker's form (docker/cli cli/connhelper/ssh): no password, no query; a path names the daemon's socket there. */
function sshEndpoint(whole: string): SshEndpoint {
  const invalid = (why: string) =>
    new SdkError("protocol", `ssh host connection is not valid: invalid SSH URL: ${why}`);
  const match = /^ssh:\/\/(?:([^@/?#]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/su.exec(whole);
  if (!match) throw invalid("malformed");
  const [, credentials, address = "", path = "", query, fragment] = match;
  const parts = /^(\[[0-9a-fA-F:.]+(?:%25[\w.-]+)?\]|[^:]*)(?::(\d*))?$/.exec(address);
  if (!parts) throw badPort(whole, address) ?? invalid("malformed host");
  if (credentials?.includes(":")) throw invalid("plain-text password is not supported");
  const hostname = decoded(parts[1]).replace(/^\[|\]$/g, "");
  if (!hostname) throw invalid("hostname is empty");
  if (query) throw invalid(`query parameters are not allowed: ${JSON.stringify(query)}`);
  if (fragment) throw invalid(`fragments are not allowed: ${JSON.stringify(fragment)}`);
  const user = decoded(credentials) || undefined;
  for (const [what, name] of [
    ["user", user],
    ["hostname", hostname],
  ])
    if (name && (name.startsWith("-") || !NAME.test(name))) throw invalid(`${what} ${JSON.stringify(name)}`);
  const socket = decoded(path).replace(/^\/+$/, "") || undefined;
  // Nothing that the other side's shell, whichever it is, could take for more than a file's name.
  if (socket && /[^\p{L}\p{N}_%@+=:,./ -]/u.test(socket)) throw invalid(`path ${JSON.stringify(socket)}`);
  return { kind: "ssh", host: whole, user, hostname, port: parts[2] ? Number(parts[2]) : undefined, socket };
}

function decoded(text = ""): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

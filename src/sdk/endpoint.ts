// Where a daemon listens: `unix:///path`, `tcp://host:port`, and the TLS material for the latter.
import { SdkError } from "./errors.ts";

/** Certificates as PEM texts; `verify: false` encrypts without checking whom we talk to (`--tls`). */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
  verify?: boolean;
}

export type Endpoint =
  | { kind: "unix"; host: string; path: string }
  | { kind: "tcp"; host: string; hostname: string; port: number; base: string; tls?: TlsMaterial };

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
  if (scheme === "ssh" || scheme === "npipe" || scheme === "fd") {
    throw new SdkError("protocol", `protocol "${scheme}" is not supported by this client: ${text}`);
  }
  throw new SdkError("protocol", `invalid bind address format: ${text}`);
}

function split(text: string): [string, string] {
  const at = text.indexOf("://");
  return [text.slice(0, at), text.slice(at + 3)];
}

function tcpEndpoint(whole: string, rest: string, tls?: TlsMaterial): Endpoint {
  const fallback = tls ? DEFAULT_PORT.tls : DEFAULT_PORT.plain;
  const [, address = "", path = ""] = /^([^/]*)(\/.*)?$/.exec(rest) ?? [];
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:]*)(?::(\d*))?$/.exec(address);
  if (!match) throw new SdkError("protocol", `invalid bind address format: ${whole}`);
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

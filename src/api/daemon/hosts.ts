// -H addresses: parsed and completed with Docker's defaults and words (moby opts/hosts.go).

export type Host =
  | { kind: "unix"; path: string }
  | { kind: "tcp"; address: string; port: number }
  | { kind: "fd"; which: string };

/**
 * Reads one -H value. Empty: the default socket, or with TLS tcp://localhost:2376. A bare HOST:PORT is TCP.
 * Errors: "invalid bind address (…)" with the reason.
 */
export function parseHost(text: string, defaults: { socket: string; tls: boolean }): Host {
  const given = text.trim();
  if (given === "")
    return defaults.tls
      ? { kind: "tcp", address: "localhost", port: 2376 }
      : { kind: "unix", path: defaults.socket };
  const at = given.indexOf("://");
  const protocol = at < 0 ? "tcp" : given.slice(0, at);
  const rest = at < 0 ? given : given.slice(at + 3);
  switch (protocol) {
    case "unix":
      if (rest.includes("://"))
        throw new Error(`invalid bind address (${given}): invalid unix address: ${rest}`);
      return { kind: "unix", path: rest === "" ? defaults.socket : rest };
    case "fd":
      return { kind: "fd", which: rest };
    case "tcp":
      return parseTcp(given, rest);
    default:
      throw new Error(`invalid bind address (${given}): unsupported proto '${protocol}'`);
  }
}

function parseTcp(given: string, rest: string): Host {
  if (rest.includes("/"))
    throw new Error(`invalid bind address (${given}): should not contain a path element`);
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(rest);
  if (!match) throw new Error(`invalid bind address (${given}): too many colons in address`);
  const [, bracketed, plain, port] = match;
  // Port 0 asks the kernel for a free one; dockerd refuses it, and so do we.
  if (port !== undefined && port !== "" && !(/^\d+$/.test(port) && Number(port) > 0 && Number(port) < 65536))
    throw new Error(`invalid bind address (${given}): invalid port: ${port}`);
  return { kind: "tcp", address: bracketed || plain || "localhost", port: port ? Number(port) : 2375 };
}

export function formatHost(host: Host): string {
  switch (host.kind) {
    case "unix":
      return `unix://${host.path}`;
    case "fd":
      return `fd://${host.which}`;
    case "tcp":
      return `tcp://${host.address.includes(":") ? `[${host.address}]` : host.address}:${host.port}`;
  }
}

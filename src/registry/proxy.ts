// Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's net/http reads them
// (golang.org/x/net/http/httpproxy), so that a daemon's environment means the same here as to dockerd.
import { BlockList, isIP } from "node:net";

type Environment = Record<string, string | undefined>;

const read = (env: Environment, name: string): string => env[name] || env[name.toLowerCase()] || "";

/** The proxy's URL, or undefined when the host is reached directly (loopback always is). */
export function proxyFor(url: URL, env: Environment = process.env): string | undefined {
  const proxy = read(env, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (!proxy) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || isLoopback(host)) return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const exempt = read(env, "NO_PROXY")
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter(Boolean)
    .some((entry) => exempts(entry, host, port));
  if (exempt) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return isIP(address) === 4
    ? address.startsWith("127.")
    : isIP(address) === 6 && contains("::1/128", address);
}

/** Whether a CIDR block has the address; false when either isn't one. */
export function contains(block: string, address: string): boolean {
  const [network = "", bits = ""] = block.split("/");
  const family = isIP(address);
  if (family === 0 || isIP(network) !== family || !/^\d{1,3}$/.test(bits)) return false;
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), kind);
  return list.check(address, kind);
}

function exempts(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return contains(entry, host);
  const [, name = entry, entryPort] = /^(.*?):(\d+)$/.exec(entry) ?? [];
  if (isIP(entry) === 0 && entryPort !== undefined && entryPort !== port) return false;
  const wanted = isIP(entry) ? entry : name;
  if (isIP(wanted)) return wanted === host;
  // "example.com" means it and all below it, ".example.com" only what is below it.
  const domain = wanted.replace(/^\*\./, ".");
  if (domain.startsWith(".")) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}

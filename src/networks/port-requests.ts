// What a container asks to publish: parsed and ordered as Docker does (nat.PortMap, libnetwork's sortAndNormPBs). Pure.
import { invalid } from "../base/errors.ts";
import { isIpv6, tryParseAddress } from "../linux/ip-address.ts";
import { formatIp, parseIp } from "./prefix.ts";
import type { SandboxRequest } from "./types.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface PortRequest {
  protocol: Protocol;
  containerPort: number;
  /** Absent: all of the host's, or the daemon's `ip`. */
  hostAddress?: string;
  /** 0 and 0: any that is free. */
  hostPort: number;
  hostPortEnd: number;
}

export interface Ports {
  exposed: { protocol: Protocol; port: number }[];
  requests: PortRequest[];
}

const PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp"];

/** "80/tcp" → its two parts, as nat.SplitProtoPort: the protocol may be left out. */
function splitPort(text: string): { protocol: string; port: string } {
  const [port = "", protocol = ""] = text.split("/");
  return { port, protocol: protocol || "tcp" };
}

function parseNumber(text: string): number | undefined {
  if (text === "") return 0;
  return /^\d+$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** "8000", "8000-8010" or "" (any); undefined when it is neither. */
function parseRange(text: string): [start: number, end: number] | undefined {
  if (!text.includes("-")) {
    const port = parseNumber(text);
    return port === undefined ? undefined : [port, port];
  }
  const [from = "", to = "", rest] = text.split("-");
  const [start, end] = [parseNumber(from), parseNumber(to)];
  if (rest !== undefined || from === "" || to === "" || start === undefined || end === undefined)
    return undefined;
  return end < start ? undefined : [start, end];
}

function parsePort(key: string): { protocol: Protocol; port: number } {
  const { protocol, port } = splitPort(key);
  const number = parseNumber(port);
  if (number === undefined) throw invalid(`invalid port specification: "${port}"`);
  if (!PROTOCOLS.includes(protocol.toLowerCase())) throw invalid(`invalid proto: ${protocol}`);
  return { protocol: protocol.toLowerCase() as Protocol, port: number };
}

/**
 * Reads PortBindings, ExposedPorts and PublishAllPorts. The order is that in which ports are taken: exact ones before
 * ranges, then by container port, protocol, host port and address, so that what differs only in the address is
 * side by side and can get the same port.
 *
 * Errors: invalid, in Docker's words.
 */
export function parsePorts(
  request: Pick<SandboxRequest, "portBindings" | "exposedPorts" | "publishAll">,
): Ports {
  const exposed = new Map<string, { protocol: Protocol; port: number }>();
  const requests: PortRequest[] = [];
  const bound = new Set<string>();
  for (const [key, bindings] of Object.entries(request.portBindings ?? {})) {
    const { protocol, port } = parsePort(key);
    exposed.set(`${port}/${protocol}`, { protocol, port });
    for (const binding of bindings ?? []) {
      const text = splitPort(binding.HostPort ?? "").port;
      const range = parseRange(text);
      if (!range) throw invalid(`invalid port specification: "${binding.HostPort}"`);
      bound.add(`${port}/${protocol}`);
      const hostAddress = parseHostAddress(binding.HostIp ?? "");
      requests.push({
        protocol,
        containerPort: port,
        ...(hostAddress && { hostAddress }),
        hostPort: range[0],
        hostPortEnd: range[1],
      });
    }
  }
  for (const key of request.exposedPorts ?? []) {
    const { protocol, port } = parsePort(key);
    exposed.set(`${port}/${protocol}`, { protocol, port });
  }
  if (request.publishAll)
    for (const [key, { protocol, port }] of exposed)
      if (!bound.has(key)) requests.push({ protocol, containerPort: port, hostPort: 0, hostPortEnd: 0 });
  const byPort = [...exposed.values()].sort(
    (a, b) => a.port - b.port || order(a.protocol) - order(b.protocol),
  );
  return { exposed: byPort, requests: requests.sort(compare) };
}

function parseHostAddress(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (bare === "") return undefined;
  const ip = tryParseAddress(bare) && parseIp(bare);
  if (!ip) throw invalid(`invalid IP address: ${text}`);
  // An IPv4 address written as IPv6 (RFC 4291, 2.5.5.2) is that address, as to Go.
  if (ip.family === 6 && ip.number >> 32n === 0xffffn) return formatIp(4, ip.number & 0xffffffffn);
  return formatIp(ip.family, ip.number);
}

const order = (protocol: Protocol) => PROTOCOLS.indexOf(protocol);
const isRange = (request: PortRequest) =>
  request.hostPort === 0 || request.hostPort !== request.hostPortEnd ? 1 : 0;

function compare(a: PortRequest, b: PortRequest): number {
  return (
    isRange(a) - isRange(b) ||
    a.containerPort - b.containerPort ||
    order(a.protocol) - order(b.protocol) ||
    a.hostPort - b.hostPort ||
    a.hostPortEnd - b.hostPortEnd ||
    Number(isIpv6(a.hostAddress ?? "")) - Number(isIpv6(b.hostAddress ?? "")) ||
    (a.hostAddress ?? "").localeCompare(b.hostAddress ?? "")
  );
}

/** Neighbours of the order that differ only in the host's address: they get one port. */
export function groupRequests(requests: readonly PortRequest[]): PortRequest[][] {
  const groups: PortRequest[][] = [];
  for (const request of requests) {
    const last = groups.at(-1);
    const before = last?.[0];
    const same =
      before &&
      before.containerPort === request.containerPort &&
      before.protocol === request.protocol &&
      before.hostPort === request.hostPort &&
      before.hostPortEnd === request.hostPortEnd &&
      !last.some((other) => other.hostAddress === request.hostAddress);
    if (same) last.push(request);
    else groups.push([request]);
  }
  return groups;
}

// Host ports: which one a request gets, and whether it is free, among our own containers and the host's processes.
import { readFileSync } from "node:fs";
import { forbidden, messageOf, systemError } from "../base/errors.ts";
import { errnoText, KernelError } from "../linux/errors.ts";
import { close } from "../linux/ffi.ts";
import { holdPort } from "../linux/port.ts";
import { groupRequests, type PortRequest, type Protocol } from "./port-requests.ts";
import type { PortRow, Rows } from "./rows.ts";
import type { EndpointRecord, HostPort, PortBindingDecision } from "./types.ts";

/** A container's end of published ports, of the endpoints that lead out. */
export interface Target {
  ipv4?: string;
  ipv6?: string;
  /** The container's shim carries what comes to IPv6 addresses of the host and no rule translates. */
  carries?: boolean;
  /** The host address that is meant where none is named, if not all of them. */
  defaultIp?: string;
  /** Families whose containers are reached at their own addresses: their ports are opened, and none of the host's taken. */
  routed?: readonly (4 | 6)[];
}

export interface HostPorts {
  /**
   * Chooses host ports for all requests. Errors, in Docker's words: `Bind for 0.0.0.0:80 failed: port is already
   * allocated`, `failed to bind host port for …: address already in use`, `all ports are allocated`.
   */
  choose(requests: readonly PortRequest[], target: Target): PortBindingDecision[];
}

const isWild = (address: string) => address === "0.0.0.0" || address === "::";
const isSix = (address: string) => address.includes(":");

/** Whether two host addresses are one to a packet: equal, or of one family with a wildcard. */
export function collide(a: string, b: string): boolean {
  return a === b || (isSix(a) === isSix(b) && (isWild(a) || isWild(b)));
}

const noLoopback = ({ containerPort, protocol }: PortRequest) =>
  `cannot publish ${containerPort}/${protocol} on [::1]: the kernel translates nothing that comes from the IPv6 loopback, and ` +
  "the daemon may carry it by no process (userland-proxy; SCTP never is): publish on 127.0.0.1, or on another address of this host";

/** Whether the host has IPv6 at all. */
export function hasIpv6(): boolean {
  try {
    close(holdPort("udp", "::1", 0).fd);
    return true;
  } catch {
    return false;
  }
}

/** The host addresses that a request stands for, given what the container has. */
export function hostAddresses(request: PortRequest, target: Target): string[] {
  const named = request.hostAddress;
  const { ipv4, defaultIp = "0.0.0.0" } = target;
  const carries = target.carries === true && request.protocol !== "sctp";
  const ipv6 = target.ipv6 ?? (carries ? ipv4 : undefined);
  if (named !== undefined) {
    if (named === "::1" && ipv6 && !carries) throw forbidden(noLoopback(request));
    // As by Docker: networks come and go, and with another the container may have the address that this is for.
    return (isSix(named) ? ipv6 : ipv4) ? [named] : [];
  }
  if (defaultIp !== "0.0.0.0") return (isSix(defaultIp) ? ipv6 : ipv4) ? [defaultIp] : [];
  return [...(ipv4 ? ["0.0.0.0"] : []), ...(ipv6 ? ["::"] : [])];
}

const bracket = (address: string) => (isSix(address) ? `[${address}]` : address);

/** The kernel's ephemeral range, from which Docker takes ports too: ip(7) ip_local_port_range. */
function ephemeralRange(): [number, number] {
  try {
    const [from, to] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
      .trim()
      .split(/\s+/)
      .map(Number);
    if (from && to) return [from, to];
  } catch {
    // No /proc/sys: Docker's fallback.
  }
  return [49153, 65535];
}

export function openHostPorts(rows: Rows): HostPorts {
  /** After which port the search of a range begins, so that a port just given back isn't given out at once. */
  const lastOf = new Map<string, number>();

  return {
    choose(requests, target) {
      const chosen = new Map<number, PortBindingDecision[]>();
      for (const group of groupRequests(requests)) {
        const first = group[0];
        if (!first) continue;
        const { protocol, containerPort } = first;
        const take = (hostAddress: string, hostPort: number) => {
          const list = chosen.get(hostPort) ?? [];
          list.push({ protocol, containerPort, hostAddress, hostPort });
          chosen.set(hostPort, list);
        };
        const all = group.flatMap((request) => hostAddresses(request, target));
        const routed = all.filter((address) => target.routed?.includes(isSix(address) ? 6 : 4));
        const addresses = all.filter((address) => !routed.includes(address));
        for (const wild of new Set(routed.map((address) => (isSix(address) ? "::" : "0.0.0.0"))))
          take(wild, 0);
        if (addresses.length === 0) continue;
        const hostPort = choosePort(first, addresses, chosen, target);
        for (const hostAddress of addresses) take(hostAddress, hostPort);
      }
      return [...chosen.values()].flat();
    },
  };

  function choosePort(
    request: PortRequest,
    addresses: string[],
    chosen: ReadonlyMap<number, PortBindingDecision[]>,
    target: Target,
  ): number {
    const { protocol, hostPort, hostPortEnd } = request;
    if (hostPort !== 0 && hostPort === hostPortEnd) {
      const holder = holderOf(protocol, addresses, hostPort, chosen);
      if (holder !== undefined)
        throw systemError(`Bind for ${holder}:${hostPort} failed: port is already allocated`);
      const refused = probe(protocol, addresses, hostPort);
      if (refused)
        throw systemError(
          `failed to bind host port for ${bracket(refused.address)}:${hostPort}:${targetText(request, refused.address, target)}: ${refused.text}`,
        );
      return hostPort;
    }
    const [from, to] = hostPort === 0 ? ephemeralRange() : [hostPort, hostPortEnd];
    const key = `${protocol}/${from}-${to}`;
    let port = lastOf.get(key) ?? to;
    for (let tried = from; tried <= to; tried++) {
      port = port >= to ? from : port + 1;
      if (holderOf(protocol, addresses, port, chosen) !== undefined) continue;
      if (probe(protocol, addresses, port)) continue;
      lastOf.set(key, port);
      return port;
    }
    throw systemError("all ports are allocated");
  }

  /** The address under which somebody of ours has the port. */
  function holderOf(
    protocol: Protocol,
    addresses: string[],
    hostPort: number,
    chosen: ReadonlyMap<number, PortBindingDecision[]>,
  ): string | undefined {
    const taken: Pick<PortRow, "protocol" | "hostAddress">[] = rows.ports.where("hostPort", hostPort);
    const ours = chosen.get(hostPort) ?? [];
    return [...taken, ...ours].find(
      (port) => port.protocol === protocol && addresses.some((address) => collide(address, port.hostAddress)),
    )?.hostAddress;
  }
}

function targetText(request: PortRequest, hostAddress: string, target: Target): string {
  const address = (isSix(hostAddress) ? target.ipv6 : undefined) ?? target.ipv4;
  return `${bracket(address ?? "")}:${request.containerPort}/${request.protocol}`;
}

/** The host's ports of an endpoint, for its container's shim. Those of SCTP nobody holds. */
export function reservedPorts(
  { ports, addresses: { ipv4, ipv6 } }: EndpointRecord,
  { forwards }: { forwards: boolean },
): HostPort[] {
  return ports.flatMap(({ protocol, hostAddress, hostPort, containerPort }) => {
    if (protocol === "sctp" || hostPort === 0) return [];
    // The kernel translates neither what comes from ::1 nor IPv6 into IPv4.
    const address = forwards && isSix(hostAddress) ? (ipv6 ?? ipv4) : undefined;
    const forward = address ? { forward: { address, port: containerPort } } : {};
    return [{ protocol, address: hostAddress, port: hostPort, ...forward }];
  });
}

/** Tries to bind, and gives the port back: the container's shim holds it while the container runs. */
function probe(
  protocol: Protocol,
  addresses: string[],
  port: number,
): { address: string; text: string } | undefined {
  // Nothing of a host's speaks SCTP here, and a kernel may have no module for it.
  if (protocol === "sctp") return undefined;
  for (const address of addresses) {
    try {
      close(holdPort(protocol, address, port).fd);
    } catch (thrown) {
      const text = thrown instanceof KernelError ? errnoText(thrown.errno) : messageOf(thrown);
      return { address, text };
    }
  }
  return undefined;
}

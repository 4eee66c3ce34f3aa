// The nftables rules of a daemon's bridge networks, as the text of one transaction: nft(8). Pure.
//
// All is in one table of our own (`inet berth_BRIDGE`). A published port is one element of one of four maps: by family,
// and by whether it is for one address of the host or for all of them.
import { isIpv6 } from "../../linux/ip-address.ts";
import type { PortBindingDecision } from "../types.ts";

/** What the rules need to know of a bridge network. */
export interface BridgeRules {
  device: string;
  subnets: string[];
  masquerade: boolean;
  /** Whether its containers reach each other. */
  icc: boolean;
  /** No way in or out but among themselves. */
  internal: boolean;
}

export interface PublishedPort extends PortBindingDecision {
  /** The container's address, of the host address's family. */
  containerAddress: string;
}

const KEY = { any: "inet_proto . inet_service", one4: "ipv4_addr . inet_proto . inet_service" };

/** The daemon's table. A bridge's name has only characters that nft takes in a name (checked with the config). */
export const tableOf = (bridge: string) => `berth_${bridge}`;

/** The element of a published port, and its map: `{map: "any4", key: "tcp . 80", value: "172.17.0.2 . 8080"}`. */
export function elementOf(port: PublishedPort): { map: string; key: string; value: string } {
  const family = isIpv6(port.hostAddress) ? 6 : 4;
  const any = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
  const service = `${port.protocol} . ${port.hostPort}`;
  return {
    map: `${any ? "any" : "one"}${family}`,
    key: any ? service : `${port.hostAddress} . ${service}`,
    value: `${port.containerAddress} . ${port.containerPort}`,
  };
}

export function addElements(bridge: string, ports: readonly PublishedPort[]): string {
  return ports
    .map(elementOf)
    .map(({ map, key, value }) => `add element inet ${tableOf(bridge)} ${map} { ${key} : ${value} }`)
    .join("\n");
}

export function deleteElement(bridge: string, port: PublishedPort): string {
  const { map, key } = elementOf(port);
  return `delete element inet ${tableOf(bridge)} ${map} { ${key} }`;
}

/**
 * The whole table, in place of what there was, in one transaction: no packet sees it half made.
 *
 * @param others devices of other engines on this host, whose containers ours reach only by published ports
 * @param uplinks devices between which the host did not forward before we switched forwarding on
 */
export function wholeTable(options: {
  bridge: string;
  networks: readonly BridgeRules[];
  ports: readonly PublishedPort[];
  others: readonly string[];
  uplinks: readonly string[];
}): string {
  const table = tableOf(options.bridge);
  const { networks } = options;
  const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(", ");
  const elements = (names: readonly string[]) => (names.length > 0 ? `elements = { ${quoted(names)} };` : "");
  return `add table inet ${table}
delete table inet ${table}
table inet ${table} {
  comment "berth: networks of ${options.bridge}";
  map any4 { type ${KEY.any} : ipv4_addr . inet_service; }
  map one4 { type ${KEY.one4} : ipv4_addr . inet_service; }
  map any6 { type ${KEY.any} : ipv6_addr . inet_service; }
  map one6 { type ${KEY.one4.replace("ipv4", "ipv6")} : ipv6_addr . inet_service; }
  set others { type ifname; ${elements(options.others)} }
  set uplinks { type ifname; ${elements(options.uplinks)} }
  chain published {
    dnat ip to ip daddr . meta l4proto . th dport map @one4
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6
    meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4
    meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6
  }
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
${networks.flatMap(loopbackRules).join("\n")}
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ip6 daddr ::1 return
    fib daddr type local jump published
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${networks.flatMap(sourceRules).join("\n")}
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @uplinks oifname @uplinks drop
${networks.flatMap(forwardRules).join("\n")}
  }
}
${addElements(options.bridge, options.ports)}
`;
}

/** route_localnet is on for the bridge, so that replies find back; nothing may come in to 127.0.0.0/8 by it. */
function loopbackRules({ device }: BridgeRules): string[] {
  return [`    iifname "${device}" ip daddr 127.0.0.0/8 drop`];
}

const saddr = (subnet: string) => `${isIpv6(subnet) ? "ip6" : "ip"} saddr ${subnet}`;

function sourceRules({ device, subnets, masquerade, internal }: BridgeRules): string[] {
  return [
    // The host's own loopback, and a container that asks for a port of its own neighbour or of itself: the answer
    // has to come back through here to be translated.
    `    oifname "${device}" ip saddr 127.0.0.0/8 masquerade`,
    // By its address: where bridged frames pass these rules (br_netfilter), they have no iifname here.
    ...subnets.map((subnet) => `    oifname "${device}" ${saddr(subnet)} ct status dnat masquerade`),
    ...(masquerade && !internal
      ? subnets.map(
          (subnet) =>
            `    ${isIpv6(subnet) ? "ip6" : "ip"} saddr ${subnet} oifname != "${device}" masquerade`,
        )
      : []),
  ];
}

function forwardRules({ device, icc, internal }: BridgeRules): string[] {
  const among = `    iifname "${device}" oifname "${device}" ${icc ? "accept" : "drop"}`;
  if (internal) return [among, `    iifname "${device}" drop`, `    oifname "${device}" drop`];
  return [
    `    oifname "${device}" ct state established,related accept`,
    `    oifname "${device}" ct status dnat accept`,
    among,
    // Only by published ports: nobody gets at a container's other ports by a route to the subnet.
    `    oifname "${device}" drop`,
    `    iifname "${device}" oifname @others ct status dnat accept`,
    `    iifname "${device}" oifname @others ct state new drop`,
    `    iifname "${device}" accept`,
  ];
}

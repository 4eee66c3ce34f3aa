// The nftables rules of a daemon's bridge networks, as the text of one transaction: nft(8). Pure.
//
// All is in one table of our own (`inet berth_BRIDGE`). The chains are the same however many networks there are: what is a
// network's own are elements of sets and maps by device, so that a packet passes a few look-ups, and a network comes and
// goes without a rule being touched. A published port is one element of one of four maps: by family, and by whether it is
// for one address of the host or for all of them. The chain `berth-user` is the administrator's: never flushed here.
import { isIpv6 } from "../../linux/ip-address.ts";
import type { PortBindingDecision } from "../types.ts";
import type { ContainerLink } from "./types.ts";

/** `com.docker.network.bridge.gateway_mode_ipv4`, `…_ipv6`. */
export const GATEWAY_MODES = ["nat", "nat-unprotected", "routed", "isolated"] as const;
export type GatewayMode = (typeof GATEWAY_MODES)[number];

/** One family of a bridge network. */
export interface FamilyRules {
  mode: GatewayMode;
  subnet?: string;
  /** The address of the host that its containers go out with; absent: that of the device they go out by. */
  source?: string;
}

/** What the rules need to know of a bridge network. */
export interface BridgeRules {
  device: string;
  four: FamilyRules;
  six: FamilyRules;
  masquerade: boolean;
  /** Whether its containers reach each other. */
  icc: boolean;
  /** No way in or out but among themselves. */
  internal: boolean;
  /** Devices of the host from which the containers' own addresses can be reached at published ports. */
  trusted: string[];
}

/** A port as it is in force; with host port 0 it is only open at the container's own address. */
export interface PublishedPort extends PortBindingDecision {
  /** The container's address, of the host address's family; absent where it has none, and its shim carries what comes. */
  containerAddress?: string;
  /** Whether it is open at the container's own address too: routed networks, trusted devices. */
  direct?: boolean;
}

/** An element of one of the table's sets and maps. */
export interface Element {
  holder: string;
  key: string;
  value?: string;
}

const PORT = "inet_proto . inet_service";
const HOLDERS: Record<string, string> = {
  any4: `map any4 { type ${PORT} : ipv4_addr . inet_service; }`,
  any6: `map any6 { type ${PORT} : ipv6_addr . inet_service; }`,
  one4: `map one4 { type ipv4_addr . ${PORT} : ipv4_addr . inet_service; }`,
  one6: `map one6 { type ipv6_addr . ${PORT} : ipv6_addr . inet_service; }`,
  // Ports open at a container's own address.
  open4: `set open4 { type ipv4_addr . ${PORT}; }`,
  open6: `set open6 { type ipv6_addr . ${PORT}; }`,
  // Which address may reach which other's port though their network keeps them apart.
  linked4: `set linked4 { type ipv4_addr . ipv4_addr . ${PORT}; }`,
  linked6: `set linked6 { type ipv6_addr . ipv6_addr . ${PORT}; }`,
  bridges: "set bridges { type ifname; }",
  // Networks without a way out, and ports of IPv6 that no rule leads to a container, but its shim.
  internals: "set internals { type ifname; }",
  carried: `set carried { type ${PORT}; }`,
  "carried-one": `set carried-one { type ipv6_addr . ${PORT}; }`,
  // Other engines' bridges, whose containers ours reach only by published ports.
  others: "set others { type ifname; }",
  // Devices between which the host did not forward before we switched forwarding on.
  uplinks: "set uplinks { type nf_proto . ifname; }",
  among: "map among { type ifname . ifname : verdict; }",
  inward: "map inward { type nf_proto . ifname : verdict; }",
  outward: "map outward { type ifname : verdict; }",
  // A network's own subnet, by its device; subnets that go out under the host's address, or under one that was chosen.
  home4: "set home4 { type ifname . ipv4_addr; flags interval; }",
  home6: "set home6 { type ifname . ipv6_addr; flags interval; }",
  masked4: "set masked4 { type ipv4_addr; flags interval; }",
  masked6: "set masked6 { type ipv6_addr; flags interval; }",
  source4: "map source4 { type ipv4_addr : ipv4_addr; flags interval; }",
  source6: "map source6 { type ipv6_addr : ipv6_addr; flags interval; }",
};

/** The chains, those before that others lead to; `hook` is empty for one that only others lead to. */
const CHAINS: Record<string, { hook: string; rules: string[] }> = {
  published: {
    hook: "",
    rules: [
      "dnat ip to ip daddr . meta l4proto . th dport map @one4",
      "dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6",
      "meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4",
      "meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6",
    ],
  },
  // icc=false: containers of one network reach each other by published ports and links alone.
  "among-apart": {
    hook: "",
    rules: [
      "ct state established,related accept",
      "ct status dnat accept",
      "ip saddr . ip daddr . meta l4proto . th dport @linked4 accept",
      "ip6 saddr . ip6 daddr . meta l4proto . th dport @linked6 accept",
      "drop",
    ],
  },
  trusted: {
    hook: "",
    rules: [
      "ip daddr . meta l4proto . th dport @open4 accept",
      "ip6 daddr . meta l4proto . th dport @open6 accept",
    ],
  },
  // Only by published ports: nobody gets at a container's other ports by a route to the subnet.
  "inward-nat": { hook: "", rules: ["ct state established,related accept", "ct status dnat accept", "drop"] },
  "inward-unprotected": {
    hook: "",
    rules: [
      "ct state established,related accept",
      "ct status dnat accept",
      "iifname @bridges drop",
      "iifname @others drop",
      "accept",
    ],
  },
  "inward-routed": {
    hook: "",
    rules: [
      "ct state established,related accept",
      "ct status dnat accept",
      "ip daddr . meta l4proto . th dport @open4 accept",
      "ip6 daddr . meta l4proto . th dport @open6 accept",
      "iifname @bridges drop",
      // Names that nft knows by itself: a minimal host has no /etc/protocols.
      "meta l4proto { icmp, icmpv6 } accept",
      "drop",
    ],
  },
  "outward-open": {
    hook: "",
    rules: ["oifname @others ct status dnat accept", "oifname @others ct state new drop", "accept"],
  },
  loopback: {
    hook: "type filter hook prerouting priority raw; policy accept;",
    // route_localnet is on for our bridges, so that replies find back; nothing may come in to 127.0.0.0/8 by them.
    rules: ["iifname @bridges ip daddr 127.0.0.0/8 drop"],
  },
  // What rules lead to a container is dropped where it would be sent on; this is sent on by a process of the host's.
  input: {
    hook: "type filter hook input priority filter; policy accept;",
    rules: [
      "meta nfproto ipv6 iifname @internals meta l4proto . th dport @carried drop",
      "iifname @internals ip6 daddr . meta l4proto . th dport @carried-one drop",
    ],
  },
  prerouting: {
    hook: "type nat hook prerouting priority dstnat; policy accept;",
    rules: [
      // What is published on 127.0.0.1 is for the host alone, though somebody switched route_localnet on everywhere.
      'iifname != "lo" ip daddr 127.0.0.0/8 return',
      // Neighbours' link-local addresses don't lead through a router.
      "ip6 saddr fe80::/10 return",
      "fib daddr type local jump published",
    ],
  },
  output: {
    hook: "type nat hook output priority -100; policy accept;",
    rules: ["ip6 daddr ::1 return", "fib daddr type local jump published"],
  },
  postrouting: {
    hook: "type nat hook postrouting priority srcnat; policy accept;",
    rules: [
      // The host's own loopback, and a container that asks for a port of its own neighbour or of itself: the answer
      // has to come back through here to be translated. By its address, not its device: where bridged frames pass
      // these rules (br_netfilter), they have no iifname here.
      "oifname @bridges ip saddr 127.0.0.0/8 masquerade",
      "oifname . ip saddr @home4 ct status dnat masquerade",
      "oifname . ip6 saddr @home6 ct status dnat masquerade",
      "oifname . ip saddr @home4 return",
      "oifname . ip6 saddr @home6 return",
      "snat ip to ip saddr map @source4",
      "snat ip6 to ip6 saddr map @source6",
      "ip saddr @masked4 masquerade",
      "ip6 saddr @masked6 masquerade",
    ],
  },
  forward: {
    hook: "type filter hook forward priority filter; policy accept;",
    rules: [
      "meta nfproto . iifname @uplinks meta nfproto . oifname @uplinks drop",
      "iifname @bridges jump berth-user",
      "iifname != @bridges oifname @bridges jump berth-user",
      "iifname . oifname vmap @among",
      "meta nfproto . oifname vmap @inward",
      "iifname vmap @outward",
    ],
  },
};

/** The administrator's chain, passed first by what is forwarded to and from our containers. */
export const USER_CHAIN = "berth-user";
export const OUR_CHAINS: ReadonlySet<string> = new Set(Object.keys(CHAINS));
export const OUR_HOLDERS: ReadonlySet<string> = new Set(Object.keys(HOLDERS));

/** The daemon's table. A bridge's name has only characters that nft takes in a name (checked with the config). */
export const tableOf = (bridge: string) => `berth_${bridge}`;

const quote = (device: string) => JSON.stringify(device);

/** A network's elements. */
export function elementsOfNetwork(network: BridgeRules): Element[] {
  const { icc, internal } = network;
  const device = quote(network.device);
  const apart = internal ? "drop" : "goto among-apart";
  return [
    { holder: "bridges", key: device },
    ...(internal ? [{ holder: "internals", key: device }] : []),
    { holder: "among", key: `${device} . ${device}`, value: icc ? "accept" : apart },
    { holder: "outward", key: device, value: internal ? "drop" : "goto outward-open" },
    ...elementsOfFamily(network, 4),
    ...elementsOfFamily(network, 6),
    ...(internal ? [] : network.trusted).map((other) => ({
      holder: "among",
      key: `${quote(other)} . ${device}`,
      value: "jump trusted",
    })),
  ];
}

const INWARD = { nat: "nat", "nat-unprotected": "unprotected", routed: "routed", isolated: "nat" } as const;

function elementsOfFamily(
  { device, internal, masquerade, ...network }: BridgeRules,
  family: 4 | 6,
): Element[] {
  const { mode, subnet, source } = family === 4 ? network.four : network.six;
  const way = internal ? "drop" : `goto inward-${INWARD[mode]}`;
  const elements: Element[] = [{ holder: "inward", key: `ipv${family} . ${quote(device)}`, value: way }];
  if (internal || !subnet) return elements;
  elements.push({ holder: `home${family}`, key: `${quote(device)} . ${subnet}` });
  if (!masquerade || mode === "routed") return elements;
  elements.push(
    source
      ? { holder: `source${family}`, key: subnet, value: source }
      : { holder: `masked${family}`, key: subnet },
  );
  return elements;
}

/** The elements of an endpoint's published ports: `{holder: "any4", key: "tcp . 80", value: "172.17.0.2 . 8080"}`. */
export function elementsOfPorts(ports: readonly PublishedPort[]): Element[] {
  const found = new Map<string, Element>();
  const add = (element: Element) => found.set(`${element.holder} ${element.key}`, element);
  for (const port of ports) {
    if (!port.containerAddress) {
      const service = `${port.protocol} . ${port.hostPort}`;
      if (port.hostAddress === "::") add({ holder: "carried", key: service });
      else add({ holder: "carried-one", key: `${port.hostAddress} . ${service}` });
      continue;
    }
    const family = isIpv6(port.containerAddress) ? 6 : 4;
    const target = `${port.containerAddress} . ${port.protocol} . ${port.containerPort}`;
    if (port.direct) add({ holder: `open${family}`, key: target });
    if (port.hostPort === 0) continue;
    const any = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
    const service = `${port.protocol} . ${port.hostPort}`;
    add({
      holder: `${any ? "any" : "one"}${family}`,
      key: any ? service : `${port.hostAddress} . ${service}`,
      value: `${port.containerAddress} . ${port.containerPort}`,
    });
  }
  return [...found.values()];
}

/** The elements of a link: `{holder: "linked4", key: "172.17.0.3 . 172.17.0.2 . tcp . 80"}`. */
export function elementsOfLink({ from, to, ports }: ContainerLink): Element[] {
  const families = [
    ["linked4", from.addresses.ipv4, to.addresses.ipv4],
    ["linked6", from.addresses.ipv6, to.addresses.ipv6],
  ] as const;
  return families.flatMap(([holder, source, target]) =>
    source && target
      ? ports.map(({ protocol, port }) => ({ holder, key: `${source} . ${target} . ${protocol} . ${port}` }))
      : [],
  );
}

const otherBridges = (devices: readonly string[]): Element[] =>
  devices.map((device) => ({ holder: "others", key: quote(device) }));

/** One command for each set and map. */
export function addElements(bridge: string, elements: readonly Element[]): string {
  return commands(bridge, "add", elements, ({ key, value }) => (value ? `${key} : ${value}` : key));
}

export function deleteElements(bridge: string, elements: readonly Element[]): string {
  return commands(bridge, "delete", elements, ({ key }) => key);
}

function commands(
  bridge: string,
  verb: "add" | "delete",
  elements: readonly Element[],
  text: (element: Element) => string,
): string {
  return [...Map.groupBy(elements, ({ holder }) => holder)]
    .map(
      ([holder, list]) =>
        `${verb} element inet ${tableOf(bridge)} ${holder} { ${list.map(text).join(", ")} }`,
    )
    .join("\n");
}

/** Other engines' bridges in place of those known before. */
export const setOthers = (bridge: string, others: readonly string[]) =>
  `flush set inet ${tableOf(bridge)} others\n${addElements(bridge, otherBridges(others))}`;

export interface TableContent {
  networks: readonly BridgeRules[];
  ports: readonly PublishedPort[];
  links: readonly ContainerLink[];
  others: readonly string[];
  uplinks: readonly { family: 4 | 6; device: string }[];
}

/** All elements that the table has. */
export const elementsOf = ({ networks, ports, links, others, uplinks }: TableContent): Element[] => [
  ...otherBridges(others),
  ...uplinks.map(({ family, device }) => ({ holder: "uplinks", key: `ipv${family} . ${quote(device)}` })),
  ...networks.flatMap(elementsOfNetwork),
  ...elementsOfPorts(ports),
  ...links.flatMap(elementsOfLink),
];

/**
 * All of ours in place of what there was, in one transaction: no packet sees it half made. What others have in the
 * table stays: the administrator's chain, and what its rules lead to.
 */
export function wholeTable(bridge: string, content: TableContent): string {
  const table = `inet ${tableOf(bridge)}`;
  const chains = Object.entries(CHAINS);
  return `table ${table} {
  comment "berth: networks of ${bridge}";
  chain ${USER_CHAIN} { }
  ${Object.values(HOLDERS).join("\n  ")}
  ${chains.map(([name, { hook }]) => `chain ${name} { ${hook} }`).join("\n  ")}
}
${chains.map(([name]) => `flush chain ${table} ${name}`).join("\n")}
${[...OUR_HOLDERS].map((name) => `flush ${kindOf(name)} ${table} ${name}`).join("\n")}
table ${table} {
  ${chains.map(([name, { rules }]) => `chain ${name} {\n    ${rules.join("\n    ")}\n  }`).join("\n  ")}
}
${addElements(bridge, elementsOf(content))}
`;
}

const kindOf = (holder: string) => HOLDERS[holder]?.split(" ")[0];

/** Takes ours out of a table that has something of others too; `present` are the names in it. */
export function clearTable(bridge: string, present: ReadonlySet<string>): string {
  const table = `inet ${tableOf(bridge)}`;
  const chains = [...OUR_CHAINS].filter((name) => present.has(name));
  const holders = [...OUR_HOLDERS].filter((name) => present.has(name));
  return [
    ...chains.map((name) => `flush chain ${table} ${name}`),
    // Verdicts lead to chains.
    ...holders.map((name) => `delete ${kindOf(name)} ${table} ${name}`),
    ...chains.map((name) => `delete chain ${table} ${name}`),
  ].join("\n");
}

// `--network` and its companions: which networks a container joins, and how.
import type { EndpointSettings } from "../../sdk/index.ts";
import { parseCsvLine } from "../framework/csv.ts";
import { cut } from "../framework/flags.ts";

/** One `--network`, short (`mynet`) or long (`name=mynet,alias=db,ip=10.0.0.5`). */
export interface Attachment {
  target: string;
  aliases: string[];
  driverOptions?: Record<string, string>;
  links: string[];
  ip: string;
  ip6: string;
  linkLocalIps: string[];
  mac: string;
  gatewayPriority: number;
}

const bare = (target: string): Attachment => ({
  target,
  aliases: [],
  links: [],
  ip: "",
  ip6: "",
  linkLocalIps: [],
  mac: "",
  gatewayPriority: 0,
});

export function parseNetwork(text: string): Attachment {
  if (!/\w+=\w+/.test(text)) return bare(text);
  const attachment = bare("");
  for (const field of parseCsvLine(text)) {
    const [rawKey, rawValue] = cut(field.toLowerCase(), "=");
    if (rawValue === undefined || rawKey === "") throw new Error(`invalid field ${field}`);
    setField(attachment, rawKey.trim(), rawValue.trim());
  }
  if (attachment.target === "") throw new Error("network name/id is not specified");
  return attachment;
}

function setField(attachment: Attachment, key: string, value: string): void {
  switch (key) {
    case "name":
      attachment.target = value;
      return;
    case "alias":
      attachment.aliases.push(value);
      return;
    case "ip":
      attachment.ip = value;
      return;
    case "ip6":
      attachment.ip6 = value;
      return;
    case "mac-address":
      attachment.mac = value;
      return;
    case "link-local-ip":
      attachment.linkLocalIps.push(value);
      return;
    case "driver-opt": {
      const [name, text] = cut(value, "=");
      if (text === undefined || name === "")
        throw new Error("invalid key value pair format in driver options");
      attachment.driverOptions = { ...attachment.driverOptions, [name.trim()]: text.trim() };
      return;
    }
    case "gw-priority":
      attachment.gatewayPriority = priority(value);
      return;
    default:
      throw new Error(`invalid field key ${key}`);
  }
}

/** Which network has the default gateway: Go's strconv.Atoi. */
function priority(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`invalid gw-priority (${text}): invalid syntax`);
  if (BigInt.asIntN(64, BigInt(text.replace("+", ""))) !== BigInt(text.replace("+", "")))
    throw new Error(`invalid gw-priority (${text}): value out of range`);
  return Number(text);
}

/** The flags beside `--network` that speak of the first network. */
export interface NetworkFlags {
  networks: Attachment[];
  aliases: string[];
  links: string[];
  ip: string;
  ip6: string;
  mac: string;
  linkLocalIps: string[];
}

const RESERVED = new Set(["default", "bridge", "host", "none", "nat"]);
const isUserDefined = (name: string) => !RESERVED.has(name) && !name.startsWith("container:");

/** Endpoint settings by network, for networks of which more than the name was said. */
export function endpointsOf(flags: NetworkFlags): Record<string, EndpointSettings> {
  const endpoints: Record<string, EndpointSettings> = {};
  const attachments = flags.networks.length > 0 ? flags.networks : [bare("default")];
  for (const [index, attachment] of attachments.entries()) {
    const whole = index === 0 ? merge(attachment, flags) : attachment;
    const settings = endpointOf(whole);
    if (whole.target in endpoints) {
      throw new Error(`network ${JSON.stringify(whole.target)} is specified multiple times`);
    }
    // The daemon makes a plain endpoint by itself; older ones refuse to be told of one.
    if (index === 0 && flags.networks.length === 1 && Object.keys(settings).length === 0) continue;
    endpoints[whole.target] = settings;
  }
  const kinds = new Set(flags.networks.map(({ target }) => isUserDefined(target)));
  if (kinds.size > 1) {
    throw new Error(
      "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    );
  }
  return endpoints;
}

/** The first network with what the older flags say of it. Nothing may be said twice. */
function merge(attachment: Attachment, flags: NetworkFlags): Attachment {
  const clash = (option: string, what: string) =>
    new Error(`conflicting options: cannot specify both ${option} and per-network ${what}`);
  if (attachment.aliases.length > 0 && flags.aliases.length > 0) throw clash("--network-alias", "alias");
  if (attachment.links.length > 0 && flags.links.length > 0) throw clash("--link", "links");
  if (attachment.ip && flags.ip) throw clash("--ip", "IPv4 address");
  if (attachment.ip6 && flags.ip6) throw clash("--ip6", "IPv6 address");
  if (attachment.mac && flags.mac) throw clash("--mac-address", "MAC address");
  if (attachment.linkLocalIps.length > 0 && flags.linkLocalIps.length > 0) {
    throw clash("--link-local-ip", "link-local IP addresses");
  }
  return {
    ...attachment,
    aliases: flags.aliases.length > 0 ? flags.aliases : attachment.aliases,
    // On the default bridge a link is the container's, in HostConfig.
    links: isUserDefined(attachment.target) && flags.links.length > 0 ? flags.links : attachment.links,
    ip: flags.ip || attachment.ip,
    ip6: flags.ip6 || attachment.ip6,
    mac: flags.mac || attachment.mac,
    linkLocalIps: flags.linkLocalIps.length > 0 ? flags.linkLocalIps : attachment.linkLocalIps,
  };
}

function endpointOf(attachment: Attachment): EndpointSettings {
  if (attachment.target.trim() === "") throw new Error("no name set for network");
  if (!isUserDefined(attachment.target)) {
    if (attachment.aliases.length > 0) {
      throw new Error("network-scoped aliases are only supported for user-defined networks");
    }
    if (attachment.links.length > 0) throw new Error("links are only supported for user-defined networks");
  }
  const settings: EndpointSettings = {};
  if (attachment.gatewayPriority) settings.GwPriority = attachment.gatewayPriority;
  if (attachment.aliases.length > 0) settings.Aliases = attachment.aliases;
  if (attachment.driverOptions) settings.DriverOpts = attachment.driverOptions;
  if (attachment.links.length > 0) settings.Links = attachment.links;
  if (attachment.ip || attachment.ip6 || attachment.linkLocalIps.length > 0) {
    settings.IPAMConfig = {
      ...(attachment.ip && { IPv4Address: attachment.ip }),
      ...(attachment.ip6 && { IPv6Address: attachment.ip6 }),
      ...(attachment.linkLocalIps.length > 0 && { LinkLocalIPs: attachment.linkLocalIps }),
    };
  }
  if (attachment.mac) settings.MacAddress = checkMac(attachment.mac);
  return settings;
}

/** 6, 8 or 20 bytes in hexadecimal with colons, dashes or (in pairs) dots: Go's net.ParseMAC. */
export function checkMac(text: string): string {
  const mac = text.trim();
  const pairs =
    /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2})*$/i.test(mac) &&
    [6, 8, 20].includes(mac.split(/[:-]/).length);
  const quads = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i.test(mac) && [3, 4, 10].includes(mac.split(".").length);
  if (!pairs && !quads) throw new Error(`${text} is not a valid mac address`);
  return text;
}

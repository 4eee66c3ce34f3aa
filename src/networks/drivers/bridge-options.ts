// The options of a bridge network, read and refused in Docker's words (libnetwork's bridge_linux.go). Pure.

import { forbidden, invalid, systemError } from "../../base/errors.ts";
import { goBoolean, notGoBoolean } from "../../base/go-boolean.ts";
import { parseIp, prefixOf } from "../prefix.ts";
import type { NetworkRecord } from "../types.ts";
import { GATEWAY_MODES, type GatewayMode } from "./bridge-rules.ts";
import type { Publishing } from "./types.ts";

/** Options of a bridge network, by Docker's names. */
export const OPTION = {
  NAME: "com.docker.network.bridge.name",
  ICC: "com.docker.network.bridge.enable_icc",
  MASQUERADE: "com.docker.network.bridge.enable_ip_masquerade",
  HOST_BINDING: "com.docker.network.bridge.host_binding_ipv4",
  DEFAULT: "com.docker.network.bridge.default_bridge",
  MTU: "com.docker.network.driver.mtu",
  MODE4: "com.docker.network.bridge.gateway_mode_ipv4",
  MODE6: "com.docker.network.bridge.gateway_mode_ipv6",
  TRUSTED: "com.docker.network.bridge.trusted_host_interfaces",
  INHIBIT: "com.docker.network.bridge.inhibit_ipv4",
  SOURCE4: "com.docker.network.host_ipv4",
  SOURCE6: "com.docker.network.host_ipv6",
} as const;

/** IFNAMSIZ of linux/if.h, with its NUL. */
const LONGEST_NAME = 15;
/** Characters of a device's name that are taken: what nftables has a meaning for (`br*`) is left out. */
const DEVICE = /^[^/\s:"*\\{};,]{1,15}$/;

/** An option that says yes or no; `otherwise` where it isn't given. */
export const optionIs = (network: NetworkRecord, key: string, otherwise: boolean): boolean => {
  const text = network.options[key];
  return text === undefined || text === "" ? otherwise : (goBoolean(text) ?? false);
};

/** How a network leads out, of a family. */
export function gatewayMode(network: NetworkRecord, family: 4 | 6): GatewayMode {
  const text = network.options[family === 4 ? OPTION.MODE4 : OPTION.MODE6];
  return GATEWAY_MODES.find((mode) => mode === text) ?? "nat";
}

/** Devices of the host that may reach the containers' own addresses at published ports. */
export const trustedDevices = (network: NetworkRecord): string[] =>
  (network.options[OPTION.TRUSTED] ?? "").split(":").filter((name) => name !== "");

/** Whether the bridge itself has an address of the family. */
export function isAddressed(network: NetworkRecord, family: 4 | 6): boolean {
  const enabled = family === 4 ? network.enableIPv4 : network.enableIPv6;
  if (!enabled || gatewayMode(network, family) === "isolated") return false;
  return family === 6 || !optionIs(network, OPTION.INHIBIT, false);
}

export function publishing(network: NetworkRecord): Publishing {
  const defaultIp = network.options[OPTION.HOST_BINDING];
  const routed = ([4, 6] as const).filter((family) => gatewayMode(network, family) === "routed");
  return { ...(defaultIp && { defaultIp }), routed };
}

const cannotParse = (key: string, text: string, why: string) =>
  invalid(`failed to parse ${key} value: ${text} (${why})`);

/** Errors: invalid, forbidden, system. */
export function checkBridge(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const { options } = network;
  for (const key of [OPTION.ICC, OPTION.MASQUERADE, OPTION.DEFAULT, OPTION.INHIBIT]) {
    const text = options[key];
    if (text !== undefined && goBoolean(text) === undefined) throw cannotParse(key, text, notGoBoolean(text));
  }
  const mtu = options[OPTION.MTU];
  if (mtu !== undefined && !/^[+-]?\d+$/.test(mtu))
    throw cannotParse(OPTION.MTU, mtu, `strconv.Atoi: parsing ${JSON.stringify(mtu)}: invalid syntax`);
  if (mtu !== undefined && Number(mtu) < 0) throw invalid(`invalid MTU number: ${mtu}`);
  for (const key of [OPTION.HOST_BINDING, OPTION.SOURCE4, OPTION.SOURCE6]) {
    const address = options[key];
    if (address !== undefined && !parseIp(address)) throw cannotParse(key, address, "nil ip");
  }
  checkModes(network);
  const families = network.pools.map(({ subnet }) => prefixOf(subnet).family);
  if (new Set(families).size < families.length)
    throw forbidden("bridge driver doesn't support multiple subnets");
  checkName(network, others);
}

function checkModes(network: NetworkRecord): void {
  const { options } = network;
  for (const key of [OPTION.MODE4, OPTION.MODE6]) {
    const text = options[key];
    if (text !== undefined && !GATEWAY_MODES.some((mode) => mode === text))
      throw cannotParse(key, text, `unknown gateway mode ${text}`);
  }
  const isolated = ([4, 6] as const).filter((family) => gatewayMode(network, family) === "isolated");
  if (isolated.length > 0 && !network.internal)
    throw systemError("gateway mode 'isolated' can only be used for an internal network");
  for (const device of trustedDevices(network))
    if (!DEVICE.test(device))
      throw invalid(`invalid network device ${JSON.stringify(device)} in ${OPTION.TRUSTED}`);
  // Nobody has the gateway's address where the bridge has none and nothing leads out: containers get it.
  const inhibited = network.internal && optionIs(network, OPTION.INHIBIT, false);
  for (const pool of network.pools) {
    const { family } = prefixOf(pool.subnet);
    const without = isolated.includes(family) || (family === 4 && inhibited);
    const chosen = network.chosenSubnets?.includes(family) && !pool.gatewayHidden;
    if (without && !chosen) delete pool.gateway;
  }
}

function checkName(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const name = network.options[OPTION.NAME];
  if (name === undefined || name === "") return;
  if (name.length > LONGEST_NAME) throw systemError("numerical result out of range");
  if (!DEVICE.test(name) || name === "." || name === "..")
    throw invalid(`invalid bridge name: ${JSON.stringify(name)}`);
  const holder = others.find((other) => other.options[OPTION.NAME] === name);
  if (holder)
    throw forbidden(
      `cannot create network ${network.id} (${name}): conflicts with network ${holder.id} (${name}): networks have same bridge name`,
    );
}

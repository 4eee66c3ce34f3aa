// The options of a bridge network, read and refused in Docker's words (libnetwork's bridge_linux.go). Pure.
import { forbidden, invalid, systemError } from "../../base/errors.ts";
import { parseIp, prefixOf } from "../prefix.ts";
import type { NetworkRecord } from "../types.ts";

/** Options of a bridge network, by Docker's names. */
export const OPTION = {
  NAME: "com.docker.network.bridge.name",
  ICC: "com.docker.network.bridge.enable_icc",
  MASQUERADE: "com.docker.network.bridge.enable_ip_masquerade",
  HOST_BINDING: "com.docker.network.bridge.host_binding_ipv4",
  DEFAULT: "com.docker.network.bridge.default_bridge",
  MTU: "com.docker.network.driver.mtu",
} as const;

/** IFNAMSIZ of linux/if.h, with its NUL. */
const LONGEST_NAME = 15;
const TRUE = /^(?:1|t|T|TRUE|true|True)$/;
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

/** An option that says yes or no; `otherwise` where it isn't given. */
export const optionIs = (network: NetworkRecord, key: string, otherwise: boolean): boolean => {
  const text = network.options[key];
  return text === undefined || text === "" ? otherwise : TRUE.test(text);
};

const cannotParse = (key: string, text: string, why: string) =>
  invalid(`failed to parse ${key} value: ${text} (${why})`);

/** Errors: invalid, forbidden, system. */
export function checkBridge(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const { options } = network;
  for (const key of [OPTION.ICC, OPTION.MASQUERADE, OPTION.DEFAULT]) {
    const text = options[key];
    if (text !== undefined && !BOOLEAN.test(text))
      throw cannotParse(key, text, `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const mtu = options[OPTION.MTU];
  if (mtu !== undefined && !/^[+-]?\d+$/.test(mtu))
    throw cannotParse(OPTION.MTU, mtu, `strconv.Atoi: parsing ${JSON.stringify(mtu)}: invalid syntax`);
  const binding = options[OPTION.HOST_BINDING];
  if (binding !== undefined && !parseIp(binding)) throw cannotParse(OPTION.HOST_BINDING, binding, "nil ip");
  const families = network.pools.map(({ subnet }) => prefixOf(subnet).family);
  if (new Set(families).size < families.length)
    throw forbidden("bridge driver doesn't support multiple subnets");
  checkName(network, others);
}

function checkName(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const name = network.options[OPTION.NAME];
  if (name === undefined || name === "") return;
  if (name.length > LONGEST_NAME) throw systemError("numerical result out of range");
  if (/[/\s:"]/.test(name) || name === "." || name === "..")
    throw invalid(`invalid bridge name: ${JSON.stringify(name)}`);
  const holder = others.find((other) => other.options[OPTION.NAME] === name);
  if (holder)
    throw forbidden(
      `cannot create network ${network.id} (${name}): conflicts with network ${holder.id} (${name}): networks have same bridge name`,
    );
}

// The driver ipvlan: containers share their parent's MAC address. In mode l2 they are on its segment; in l3 and l3s the
// parent routes for them, and their default route is the device itself.
import { systemError } from "../../base/errors.ts";
import {
  addIpvlan,
  IPVLAN_FLAGS,
  IPVLAN_MODES,
  type IpvlanFlag,
  type IpvlanMode,
} from "../../linux/netlink/stacked-link.ts";
import type { NetworkRecord } from "../types.ts";
import { dummyOf, hasParent, type ParentDevices, parentOf } from "./parent-device.ts";
import { stackedDriver } from "./stacked.ts";
import type { NetworkDriver } from "./types.ts";

const isMode = (text: string): text is IpvlanMode => Object.hasOwn(IPVLAN_MODES, text);
const isFlag = (text: string): text is IpvlanFlag => Object.hasOwn(IPVLAN_FLAGS, text);

function modeOf({ options }: NetworkRecord): { mode: IpvlanMode; flag: IpvlanFlag } {
  const mode = options.ipvlan_mode || "l2";
  const flag = options.ipvlan_flag || "bridge";
  if (!isMode(mode))
    throw systemError(`requested ipvlan mode '${mode}' is not valid, 'l2' mode is the ipvlan driver default`);
  if (!isFlag(flag))
    throw systemError(`requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`);
  return { mode, flag };
}

/** Errors: system, in Docker's words. */
export function checkIpvlan(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  modeOf(network);
  const parent = parentOf("ipvlan", network);
  if (parent === "lo") throw systemError("loopback interface is not a valid ipvlan parent link");
  const holder = others.find(
    (other) => other.driver === "ipvlan" && !other.configOnly && parentOf("ipvlan", other) === parent,
  );
  if (holder)
    throw systemError(`network ${dummyOf("ipvlan", holder.id)} is already using parent interface ${parent}`);
}

export function openIpvlanDriver(parents: ParentDevices): NetworkDriver {
  const defaultRoute: NonNullable<NetworkDriver["defaultRoute"]> = (network) => {
    const byDevice = network.options.ipvlan_mode === "l3" || network.options.ipvlan_mode === "l3s";
    if (network.internal || !hasParent(network)) return "none";
    return byDevice ? "device" : "gateway";
  };
  return stackedDriver(
    {
      name: "ipvlan",
      check: checkIpvlan,
      allocate(network, { mac }) {
        if (mac) throw systemError("ipvlan interfaces do not support custom mac address assignment");
        return defaultRoute(network) === "device" ? { routeByDevice: true } : {};
      },
      defaultRoute,
      add: (network, _endpoint, link) => addIpvlan(parents.host(), { ...link, ...modeOf(network) }),
    },
    parents,
  );
}

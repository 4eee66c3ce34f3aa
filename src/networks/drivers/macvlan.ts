// The driver macvlan: a container is a machine of its own on its parent's segment, with a MAC address of its own.
import { systemError } from "../../base/errors.ts";
import { findLink, setLink } from "../../linux/netlink/link.ts";
import { addMacvlan, MACVLAN_MODES, type MacvlanMode } from "../../linux/netlink/stacked-link.ts";
import type { NetworkRecord } from "../types.ts";
import { randomMac } from "./mac-address.ts";
import { hasParent, type ParentDevices, parentOf } from "./parent-device.ts";
import { stackedDriver } from "./stacked.ts";
import type { NetworkDriver } from "./types.ts";

const isMode = (text: string): text is MacvlanMode => Object.hasOwn(MACVLAN_MODES, text);

function modeOf({ options }: NetworkRecord): MacvlanMode {
  const mode = options.macvlan_mode || "bridge";
  if (!isMode(mode))
    throw systemError(
      `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`,
    );
  return mode;
}

/** Errors: system, in Docker's words. */
export function checkMacvlan(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const mode = modeOf(network);
  const parent = parentOf("macvlan", network);
  if (parent === "lo") throw systemError("loopback interface is not a valid macvlan parent link");
  const sharing = others.filter(
    (other) => other.driver === "macvlan" && !other.configOnly && parentOf("macvlan", other) === parent,
  );
  for (const other of sharing) {
    if (mode === "passthru")
      throw systemError(
        `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${parent}`,
      );
    if (modeOf(other) === "passthru")
      throw systemError(
        `macvlan network ${other.id} is already using parent interface ${parent} in mode passthru`,
      );
  }
}

export function openMacvlanDriver(parents: ParentDevices): NetworkDriver {
  return stackedDriver(
    {
      name: "macvlan",
      check: checkMacvlan,
      allocate: (_network, { mac }) => ({ mac: mac || randomMac() }),
      defaultRoute: (network) => (network.internal || !hasParent(network) ? "none" : "gateway"),
      add(network, { mac }, link, inside) {
        const mode = modeOf(network);
        addMacvlan(parents.host(), { ...link, mode, ...(mac && { address: mac }) });
        // In this mode a device has its parent's address until it is given one, and the parent gets that too.
        const index = mode === "passthru" ? findLink(inside, link.name)?.index : undefined;
        if (mac && index) setLink(inside, index, { address: mac });
      },
    },
    parents,
  );
}

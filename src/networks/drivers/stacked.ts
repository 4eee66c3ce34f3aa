// What the drivers macvlan and ipvlan share: a container's device sits on the network's parent, and is made right in
// the container's namespace. There is nothing of an endpoint on the host, and its ports can't be published.
import { systemError } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { failedWith } from "../../linux/errors.ts";
import { findLink, removeLink, setLink } from "../../linux/netlink/link.ts";
import { type NetlinkSocket, openRoute } from "../../linux/netlink/socket.ts";
import type { StackedLink } from "../../linux/netlink/stacked-link.ts";
import { inNamespace } from "../../linux/netns.ts";
import type { EndpointRecord, NetworkRecord } from "../types.ts";
import { setUpDevice } from "./container-device.ts";
import { kernelWords, type ParentDevices, type StackedKind } from "./parent-device.ts";
import type { NetworkDriver, Place } from "./types.ts";

export interface StackedDevice extends Pick<NetworkDriver, "check" | "allocate" | "defaultRoute"> {
  name: StackedKind;
  /** Makes the device as the network's options say. */
  add(network: NetworkRecord, endpoint: EndpointRecord, link: StackedLink, inside: NetlinkSocket): void;
}

const nothing = () => {};

export function stackedDriver(device: StackedDevice, parents: ParentDevices): NetworkDriver {
  const { name: kind } = device;
  return {
    ...device,
    sandbox: "private",
    publishes: false,
    check(network, others) {
      device.check(network, others);
      parents.check(kind, network);
    },
    realiseNetwork: (network) => parents.ensure(kind, network),
    plug,
    publish: nothing,
    unpublish: nothing,
    unplug,
    lingers: () => false,
    sweep: nothing,
    reconcile: (networks) => parents.reconcile(kind, networks),
    removeNetwork: (network) => parents.release(network),
  };

  function plug(network: NetworkRecord, endpoint: EndpointRecord, place: Place): void {
    const { inside, interfaceName, namespaceFd } = place;
    const parent = parents.find(kind, network);
    // Older kernels (6.1) look for the name among the host's devices too, where eth0 is taken.
    const name = `bts${endpoint.id.slice(0, 12)}`;
    // What a crash left.
    removeLink(inside, name);
    try {
      device.add(network, endpoint, { name, parent: parent.index, namespaceFd }, inside);
    } catch (thrown) {
      const busy = failedWith(thrown, "EBUSY")
        ? ` (${parent.name} can't carry macvlan and ipvlan at once, nor be a port of a bridge or bond)`
        : "";
      throw systemError(`failed to create the ${kind} port: ${kernelWords(thrown)}${busy}`, thrown);
    }
    setLink(inside, findLink(inside, name)?.index ?? 0, { name: interfaceName });
    failpoint("network.device-made");
    setUpDevice(inside, interfaceName, endpoint.addresses, { announced: true });
  }

  /** Now and not with the namespace, which somebody may keep: its address goes to the next container. */
  function unplug(_network: NetworkRecord, endpoint: EndpointRecord, namespace: string): void {
    const name = endpoint.interfaceName ?? "eth0";
    try {
      inNamespace(namespace, () => {
        using inside = openRoute();
        if (findLink(inside, name)?.kind === kind) removeLink(inside, name);
      });
    } catch (thrown) {
      // No pin, or a file that is none: there is no namespace then, and no device.
      if (!failedWith(thrown, "ENOENT", "EINVAL")) throw thrown;
    }
  }
}

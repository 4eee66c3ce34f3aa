// A container's device, after its driver made it: addresses, and up.

import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { isIpv6 } from "../../linux/ip-address.ts";
import { addAddress } from "../../linux/netlink/address.ts";
import { findLink, setLink } from "../../linux/netlink/link.ts";
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";
import { openWire } from "../../linux/wire.ts";
import type { EndpointRecord } from "../types.ts";
import { announcement, macBytes } from "./announcement.ts";
import { setKernel } from "./bridge-device.ts";

/** In the sandbox's namespace. `announced`: the neighbours outside are told whose address it is from now on. */
export function setUpDevice(
  inside: NetlinkSocket,
  interfaceName: string,
  addresses: EndpointRecord["addresses"],
  { announced } = { announced: false },
): void {
  const device = findLink(inside, interfaceName);
  if (!device) throw systemError(`the device ${interfaceName} is gone`);
  const { index } = device;
  const { ipv4, ipv6, prefix4, prefix6, linkLocal = [] } = addresses;
  // Before it is up, or the kernel gives it a link-local address first.
  setKernel(`ipv6/conf/${interfaceName}/disable_ipv6`, ipv6 ? "0" : "1");
  if (ipv4) addAddress(inside, { index, address: ipv4, prefix: prefix4 ?? 32 });
  if (ipv6) addAddress(inside, { index, address: ipv6, prefix: prefix6 ?? 128 });
  for (const address of linkLocal) addAddress(inside, { index, address, prefix: isIpv6(address) ? 64 : 16 });
  setLink(inside, index, { up: true });
  if (!announced) return;
  using wire = openWire();
  const mac = macBytes(device.address ?? "");
  for (const address of [ipv4, ipv6, ...linkLocal])
    try {
      if (address) wire.send(index, announcement(address, mac));
    } catch (thrown) {
      // ipvlan's layer 3 modes send no such frames: nobody there knows anybody by a MAC address.
      log.debug("an address is not announced", { device: interfaceName, address, error: messageOf(thrown) });
    }
}

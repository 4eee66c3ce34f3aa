// Connections that the kernel tracks to ports that were published or are no more: forgotten, a moment after.
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { isIpv6 } from "../../linux/ip-address.ts";
import { listAddresses } from "../../linux/netlink/address.ts";
import { forgetConnections } from "../../linux/netlink/conntrack.ts";
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";
import type { PublishedPort } from "./bridge-rules.ts";

export interface StaleConnections {
  /** After the answer: it takes some 10 ms on a host with a large table of connections. */
  forgetSoon(ports: readonly PublishedPort[]): void;
  /** All that waits, now. */
  forget(): void;
}

export function openStaleConnections(host: () => NetlinkSocket): StaleConnections {
  const waiting: PublishedPort[] = [];
  return {
    forgetSoon(ports) {
      const translated = ports.filter(({ hostPort }) => hostPort !== 0);
      if (translated.length === 0) return;
      waiting.push(...translated);
      setTimeout(forget, 0);
    },
    forget,
  };

  function forget(): void {
    const groups = Map.groupBy(waiting.splice(0), (port) => `${port.protocol}/${isIpv6(port.hostAddress)}`);
    for (const ports of groups.values())
      try {
        forgetGroup(host(), ports);
      } catch (thrown) {
        log.debug("cannot forget connections", { port: ports[0]?.hostPort, error: messageOf(thrown) });
      }
  }
}

/** Connections to the ports on an address of this host, or translated to their containers, are looked at anew. */
function forgetGroup(socket: NetlinkSocket, ports: readonly PublishedPort[]): void {
  const [first] = ports;
  if (!first) return;
  const local = new Set(listAddresses(socket).map(({ address }) => address));
  const containers = new Set(ports.map(({ containerAddress }) => containerAddress));
  forgetConnections(
    {
      protocol: first.protocol,
      ports: new Set(ports.map(({ hostPort }) => hostPort)),
      family: isIpv6(first.hostAddress) ? "ipv6" : "ipv4",
    },
    ({ original, reply }) =>
      local.has(original.destination) ||
      original.destination.startsWith("127.") ||
      containers.has(reply.source),
  );
}

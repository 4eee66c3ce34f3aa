// What the devices of macvlan and ipvlan networks sit on: a device of the host's, a VLAN of one (`eth0.50`), or a dummy
// for a network that named none. VLANs and dummies that we made carry a mark, by which they are known for ours when no
// row names them any more; they are made under another name, so that no crash leaves one without it.
import { randomBytes } from "node:crypto";
import type { HostEnvironment } from "../../base/environment.ts";
import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { errnoText, failedWith, KernelError } from "../../linux/errors.ts";
import { findLink, type Link, listLinks, removeLink, setLink } from "../../linux/netlink/link.ts";
import { type NetlinkSocket, openRoute } from "../../linux/netlink/socket.ts";
import { addDummy, addVlan, kernelHas } from "../../linux/netlink/stacked-link.ts";
import type { NetworkRecord } from "../types.ts";
import { hostTag } from "./host-tag.ts";

export type StackedKind = "macvlan" | "ipvlan";

const KINDS: readonly StackedKind[] = ["macvlan", "ipvlan"];
/** Docker's, so that an administrator's filters know ours too. */
const DUMMY_PREFIX: Record<StackedKind, string> = { macvlan: "dm-", ipvlan: "di-" };
const DUMMY_DIGITS = 12;

/** The dummy's name that a network has where it names no parent. */
export const dummyOf = (kind: StackedKind, id: string): string =>
  `${DUMMY_PREFIX[kind]}${id.slice(0, DUMMY_DIGITS)}`;

/** Without a parent a network leads nowhere. */
export const hasParent = ({ options }: Pick<NetworkRecord, "options">): boolean => Boolean(options.parent);

export const parentOf = (kind: StackedKind, network: NetworkRecord): string =>
  network.options.parent || dummyOf(kind, network.id);

/** What the kernel said, without what it was asked. */
export const kernelWords = (thrown: unknown): string =>
  thrown instanceof KernelError ? errnoText(thrown.errno) : messageOf(thrown);

/** Of both drivers: a VLAN that networks of several share goes with the last of them. */
export interface ParentDevices {
  /** A route socket in the host's namespace. */
  host(): NetlinkSocket;
  /** Refuses a parent that isn't there and can't be made, in Docker's words. Errors: system. */
  check(kind: StackedKind, network: NetworkRecord): void;
  /** Makes what is missing and ours to make. */
  ensure(kind: StackedKind, network: NetworkRecord): void;
  /** Errors: system, when it is gone. */
  find(kind: StackedKind, network: NetworkRecord): Link;
  /** The network needs it no more. */
  release(network: NetworkRecord): void;
  /** All networks of one driver; when both drivers have told theirs, what no row names goes. */
  reconcile(kind: StackedKind, networks: readonly NetworkRecord[]): void;
  close(): void;
}

export function openParentDevices(environment: HostEnvironment): ParentDevices {
  const tag = hostTag(environment);
  const mark = `berth ${tag}: parent of its networks`;
  /** Parents by the networks that use them. */
  const used = new Map<string, { kind: StackedKind; parent: string }>();
  const told = new Set<StackedKind>();
  let socket: NetlinkSocket | undefined;

  const host = () => {
    socket ??= openRoute();
    return socket;
  };

  return {
    host,
    check(kind, network) {
      if (!kernelHas(host(), kind)) throw missing(kind, `the driver ${kind}`);
      const { parent } = network.options;
      if (parent && !findLink(host(), parent)) requireVlan(parent);
    },
    ensure,
    find(kind, network) {
      const parent = parentOf(kind, network);
      const link = findLink(host(), parent);
      if (!link)
        throw systemError(`the requested parent interface ${parent} was not found on the Docker host`);
      return link;
    },
    release(network) {
      const parent = used.get(network.id)?.parent;
      used.delete(network.id);
      if (parent === undefined || isUsed(parent)) return;
      if (findLink(host(), parent)?.alias === mark) removeLink(host(), parent);
    },
    reconcile(kind, networks) {
      for (const [id, user] of used) if (user.kind === kind) used.delete(id);
      for (const network of networks) {
        try {
          ensure(kind, network);
        } catch (thrown) {
          log.warn("a network's parent device can't be made", {
            network: network.name,
            error: messageOf(thrown),
          });
        }
      }
      told.add(kind);
      if (told.size < KINDS.length) return;
      for (const link of listLinks(host()))
        if (link.alias === mark && !isUsed(link.name)) removeLink(host(), link.name);
    },
    close() {
      socket?.close();
      socket = undefined;
    },
  };

  function isUsed(parent: string): boolean {
    return [...used.values()].some((user) => user.parent === parent);
  }

  function ensure(kind: StackedKind, network: NetworkRecord): void {
    const parent = parentOf(kind, network);
    used.set(network.id, { kind, parent });
    const link = findLink(host(), parent);
    if (link) {
      if (link.alias === mark && !link.up) setLink(host(), link.index, { up: true });
      return;
    }
    if (!hasParent(network)) make(kind, parent, addDummyDevice);
    else {
      const vlan = parseVlan(parent);
      const below = typeof vlan === "object" ? findLink(host(), vlan.device) : undefined;
      if (typeof vlan === "string" || !below) return;
      make(kind, parent, (name) => addVlanDevice(name, parent, { parent: below.index, id: vlan.id }));
    }
  }

  function addDummyDevice(name: string): void {
    try {
      addDummy(host(), name);
    } catch (thrown) {
      if (failedWith(thrown, "EOPNOTSUPP")) throw missing("dummy", "a network without -o parent", thrown);
      throw thrown;
    }
  }

  function addVlanDevice(name: string, parent: string, vlan: { parent: number; id: number }): void {
    try {
      addVlan(host(), { name, ...vlan });
    } catch (thrown) {
      const unknown = failedWith(thrown, "EOPNOTSUPP") ? ` (${lacks("8021q")})` : "";
      throw systemError(`failed to create ${parent} vlan link: ${kernelWords(thrown)}${unknown}`, thrown);
    }
  }

  function make(kind: StackedKind, name: string, add: (name: string) => void): void {
    const working = `btp${tag}${randomBytes(4).toString("hex")}`;
    add(working);
    try {
      const index = findLink(host(), working)?.index ?? 0;
      setLink(host(), index, { alias: mark });
      setLink(host(), index, { name });
      setLink(host(), index, { up: true });
    } catch (thrown) {
      removeLink(host(), working);
      removeLink(host(), name);
      throw systemError(`failed to enable ${name} the ${kind} parent link: ${kernelWords(thrown)}`, thrown);
    }
  }

  /** Errors: system, unless `name` is a VLAN of a device that is there. */
  function requireVlan(name: string): void {
    const vlan = parseVlan(name);
    if (typeof vlan === "string") throw systemError(vlan);
    if (!findLink(host(), vlan.device))
      throw systemError(`-o parent interface was not found on the host: ${vlan.device}`);
    if (vlan.id < 1 || vlan.id > 4094)
      throw systemError(`vlan id must be between 1-4094, received: ${vlan.id}`);
  }
}

/** `eth0.50`; a text says what is wrong with it. */
export function parseVlan(name: string): { device: string; id: number } | string {
  const [device = "", id, ...more] = name.split(".");
  if (id === undefined) return `invalid subinterface vlan name ${name}, example formatting is eth0.10`;
  if (more.length > 0)
    return `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`;
  if (!/^[+-]?\d+$/.test(id)) return `unable to parse a valid vlan id from: ${id} (ex. eth0.10 for vlan 10)`;
  return { device, id: Number(id) };
}

const lacks = (module: string) => `this kernel does not have the module ${module}`;

function missing(module: string, what: string, cause?: unknown): Error {
  return systemError(`operation not supported: ${lacks(module)}, which ${what} needs`, cause);
}

// Sandboxes in the kernel: namespaces with the devices of their endpoints, made of the rows, and taken away. What is
// here is synchronous from its first look at rows and kernel to its last, so that there is nothing to lock.
import { existsSync } from "node:fs";
import type { NetworkingConfig } from "../api/types/index.ts";
import { conflict, messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import { findLink, removeLink, setLink } from "../linux/netlink/link.ts";
import { addRoute, removeDefaultRoute } from "../linux/netlink/route.ts";
import { type NetlinkSocket, openRoute } from "../linux/netlink/socket.ts";
import { createNamespace, inNamespace, isPinned, pinOf, removeNamespace } from "../linux/netns.ts";
import type { Burial, Plug } from "./burial.ts";
import type { NetworkDriver } from "./drivers/types.ts";
import { applySysctls } from "./endpoint-sysctls.ts";
import { gatewaysOf } from "./gateways.ts";
import { settleLinks } from "./links.ts";
import { hasNames } from "./name-source.ts";
import type { NameServer } from "./names/index.ts";
import { checkConnection } from "./request-check.ts";
import type { Rows } from "./rows.ts";
import { type SandboxRows, settingsOf } from "./sandbox-rows.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "./types.ts";

export interface Sandboxes {
  /** Makes it exist; again with the same result. */
  realise(sandbox: SandboxRecord): void;
  /** Takes it out of the kernel: silent at once, gone a little later. The rows are the caller's. */
  letGo(sandbox: SandboxRecord): void;
  connect(
    sandbox: SandboxRecord,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => () => void,
  ): void;
  disconnect(
    sandbox: SandboxRecord,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => void,
  ): void;
  /** Brings a living sandbox in line with its rows after a crash: what was connected just then is plugged in. */
  repair(sandbox: SandboxRecord): void;
  /** The sandbox whose namespace it is: the one that it shares, or itself. */
  ownerOf(sandbox: SandboxRecord): SandboxRecord;
  pinFile(sandbox: SandboxRecord): string;
}

export const pinName = (sandbox: SandboxRecord): string => sandbox.key.slice(0, 12);

export function openSandboxes(options: {
  rows: Rows;
  decisions: SandboxRows;
  burial: Burial;
  /** Where the namespaces are pinned. */
  folder: string;
  driverOf: (network: NetworkRecord) => NetworkDriver;
  names: NameServer;
}): Sandboxes {
  const { rows, decisions, burial, folder, driverOf, names } = options;
  const pinFile = (sandbox: SandboxRecord) => pinOf(folder, pinName(sandbox));
  return { realise, letGo, connect, disconnect, repair, ownerOf, pinFile };

  function ownerOf(sandbox: SandboxRecord): SandboxRecord {
    if (sandbox.mode !== "shared") return sandbox;
    const owner = rows.sandboxes.get(sandbox.sharedWith ?? "");
    if (!owner)
      throw conflict(
        `cannot join network namespace of a non running container: container ${sandbox.sharedWith}`,
      );
    return ownerOf(owner);
  }

  function plugsOf(sandbox: SandboxRecord): Plug[] {
    return decisions
      .attached(sandbox)
      .map(({ endpoint, network }) => ({ endpoint, network, driver: driverOf(network) }));
  }

  function realise(sandbox: SandboxRecord): void {
    burial.disturb();
    const plugs = plugsOf(sandbox);
    for (const { driver, network } of plugs) driver.realiseNetwork(network);
    const file = pinFile(sandbox);
    if (existsSync(file) && isPinned(file) && isComplete(sandbox, plugs)) return;
    if (existsSync(file)) removeNamespace(file);
    try {
      createNamespace(file, (namespaceFd) => {
        using inside = openRoute();
        const loopback = findLink(inside, "lo");
        if (loopback) setLink(inside, loopback.index, { up: true });
        for (const plug of plugs) plugIn(sandbox, plug, namespaceFd, inside);
        setGateways(sandbox, inside, { fresh: true });
      });
      for (const { driver, network, endpoint } of plugs) driver.publish(network, endpoint);
      openLinks(sandbox);
      settleNames(sandbox);
    } catch (thrown) {
      letGo(sandbox);
      throw thrown;
    }
  }

  function isComplete(sandbox: SandboxRecord, plugs: readonly Plug[]): boolean {
    let complete = false;
    enter(sandbox, (_, inside) => {
      complete = plugs.every(
        ({ driver, endpoint }) =>
          driver.sandbox !== "private" || findLink(inside, endpoint.interfaceName ?? "eth0"),
      );
    });
    return complete;
  }

  function plugIn(
    { request }: SandboxRecord,
    { driver, network, endpoint }: Plug,
    namespaceFd: number,
    inside: NetlinkSocket,
  ): void {
    const { interfaceName = "eth0" } = endpoint;
    driver.plug(network, endpoint, { namespaceFd, inside, interfaceName });
    applySysctls(settingsOf(request, network), interfaceName);
  }

  /** The default routes, by the endpoints that lead out by now. In the sandbox's namespace. */
  function setGateways(sandbox: SandboxRecord, inside: NetlinkSocket, { fresh } = { fresh: false }): void {
    const { four, six } = gatewaysOf(decisions.attached(sandbox));
    const indexOf = (endpoint: EndpointRecord | undefined) =>
      endpoint && findLink(inside, endpoint.interfaceName ?? "eth0")?.index;
    const [device4, device6] = [indexOf(four), indexOf(six)];
    const [gateway4, gateway6] = [four?.addresses.gateway4, six?.addresses.gateway6];
    if (device4)
      addRoute(inside, { family: "ipv4", device: device4, ...(gateway4 && { gateway: gateway4 }) });
    else if (!fresh) removeDefaultRoute(inside, "ipv4");
    if (device6)
      addRoute(inside, { family: "ipv6", device: device6, ...(gateway6 && { gateway: gateway6 }) });
    else if (!fresh) removeDefaultRoute(inside, "ipv6");
  }

  function openLinks(sandbox: SandboxRecord): void {
    settleLinks(sandbox, { rows, attached: decisions.attached, driverOf });
  }

  /** The name server in a sandbox that has names, and in no other. */
  function settleNames(sandbox: SandboxRecord): void {
    const networks = decisions.attached(sandbox).map(({ network }) => network);
    if (!hasNames(sandbox, networks)) {
      names.stop(sandbox.id);
      return;
    }
    const { id, namePorts: ports } = sandbox;
    const namePorts = names.serve({ id, namespace: pinFile(sandbox), ...(ports && { ports }) });
    if (namePorts.udp !== ports?.udp || namePorts.tcp !== ports.tcp)
      rows.sandboxes.put({ ...sandbox, namePorts });
  }

  function letGo(sandbox: SandboxRecord): void {
    if (sandbox.mode === "shared" || sandbox.mode === "host") return;
    names.stop(sandbox.id);
    const plugs = plugsOf(sandbox);
    const file = pinFile(sandbox);
    for (const { driver, network, endpoint } of plugs) driver.unplug(network, endpoint, file);
    burial.add(file, plugs);
  }

  function connect(
    sandbox: SandboxRecord,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => () => void,
  ): void {
    const driver = driverOf(network);
    const before = plugsOf(sandbox);
    const { networkMode } = sandbox.request;
    checkConnection(
      networkMode,
      before.map((plug) => plug.network.name),
      network.name,
    );
    burial.disturb();
    driver.realiseNetwork(network);
    const request = { ...sandbox.request, networkingConfig: networking, namedNetworksOnly: true };
    const settings = settingsOf(request, network) ?? {};
    // One that was on `none` alone, and was taken off it, has a network by now.
    const mode = before.length === 0 ? driver.sandbox : sandbox.mode;
    const after: SandboxRecord = { ...sandbox, mode, request };
    const { endpoint, undo } = rows.transaction(() => {
      rows.sandboxes.put(after);
      const made = decisions.addEndpoint(after, network, settings);
      decisions.settlePorts(after);
      return { endpoint: made, undo: alongside() };
    });
    failpoint("network.connect-stored");
    try {
      enter(after, (namespaceFd, inside) => {
        plugIn(after, { driver, network, endpoint }, namespaceFd, inside);
        failpoint("network.connect-plugged");
        setGateways(after, inside);
      });
      movePorts(before, plugsOf(after));
      openLinks(after);
      settleNames(after);
    } catch (thrown) {
      disconnect(after, network, sandbox.request.networkingConfig ?? {}, () => {
        rows.sandboxes.put(sandbox);
        undo();
      });
      throw thrown;
    }
  }

  function disconnect(
    sandbox: SandboxRecord,
    network: NetworkRecord,
    networking: NetworkingConfig,
    alongside: () => void,
  ): void {
    const before = plugsOf(sandbox);
    const gone = before.find((plug) => plug.network.id === network.id);
    if (!gone) throw systemError(`container ${sandbox.id} is not connected to network ${network.name}`);
    const request = { ...sandbox.request, networkingConfig: networking, namedNetworksOnly: true };
    gone.driver.unplug(network, gone.endpoint, pinFile(sandbox));
    const after: SandboxRecord = { ...sandbox, request };
    rows.transaction(() => {
      // First, so that the ports that it had are settled on another.
      const kept = gone.endpoint.ports;
      decisions.removeEndpoint(gone.endpoint);
      rows.sandboxes.put(after);
      adopt(after, kept);
      alongside();
    });
    failpoint("network.disconnect-stored");
    enter(after, (_, inside) => {
      removeLink(inside, gone.endpoint.interfaceName ?? "eth0");
      setGateways(after, inside);
    });
    movePorts(
      before.filter((plug) => plug !== gone),
      plugsOf(after),
    );
    settleNames(after);
  }

  /** The ports of an endpoint that went, for those that stay: settled on the one that leads out by now. */
  function adopt(sandbox: SandboxRecord, ports: EndpointRecord["ports"]): void {
    const [first] = decisions.attached(sandbox);
    if (!first || ports.length === 0) return;
    rows.endpoints.put({ ...first.endpoint, ports: [...first.endpoint.ports, ...ports] });
    decisions.settlePorts(sandbox);
  }

  /** Published ports follow the endpoint that leads out. */
  function movePorts(before: readonly Plug[], after: readonly Plug[]): void {
    const same = (a: EndpointRecord, b: EndpointRecord | undefined) =>
      JSON.stringify(a.ports) === JSON.stringify(b?.ports ?? []);
    const changed = after.filter(
      ({ endpoint }) => !same(endpoint, before.find((old) => old.endpoint.id === endpoint.id)?.endpoint),
    );
    for (const { driver, network, endpoint } of before)
      if (changed.some((plug) => plug.endpoint.id === endpoint.id)) driver.unpublish(network, endpoint);
    for (const { driver, network, endpoint } of changed) driver.publish(network, endpoint);
  }

  function enter(sandbox: SandboxRecord, work: (namespaceFd: number, inside: NetlinkSocket) => void): void {
    const file = pinFile(sandbox);
    if (!existsSync(file))
      throw systemError(
        `the network namespace of container ${sandbox.id} is gone (${file}): restart the container`,
      );
    inNamespace(file, (namespaceFd) => {
      using inside = openRoute();
      work(namespaceFd, inside);
    });
  }

  function repair(sandbox: SandboxRecord): void {
    if (sandbox.mode !== "private") return;
    try {
      const plugs = plugsOf(sandbox);
      enter(sandbox, (namespaceFd, inside) => {
        for (const plug of plugs) {
          const { interfaceName = "eth0" } = plug.endpoint;
          const device = findLink(inside, interfaceName);
          // To be up is the last that a device gets: one that isn't was in the making when the daemon was killed.
          if (device?.up) continue;
          if (device) removeLink(inside, interfaceName);
          plugIn(sandbox, plug, namespaceFd, inside);
        }
        setGateways(sandbox, inside);
      });
      openLinks(sandbox);
      settleNames(sandbox);
    } catch (thrown) {
      log.error("cannot bring a container's network in line: restart the container", {
        container: sandbox.id,
        error: messageOf(thrown),
      });
    }
  }
}

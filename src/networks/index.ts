// The networks room's door: opens the networks of one daemon on its store, config and host.
//
// Who runs beside whom: every change is synchronous from its first look at rows and kernel to its last, so that there
// is nothing to lock. What is slow (the kernel's grace period after a namespace) goes on in `background`, which `close`
// awaits. Other programs change rules at any time: `checkRules` runs before each use and every few seconds.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HostEnvironment } from "../base/environment.ts";
import { BerthError, conflict, messageOf, systemError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { listAddresses } from "../linux/netlink/address.ts";
import { findLink, setLink } from "../linux/netlink/link.ts";
import { listRoutes } from "../linux/netlink/route.ts";
import { openRoute } from "../linux/netlink/socket.ts";
import {
  createNamespace,
  dropNamespaces,
  isPinned,
  namesOf,
  pinOf,
  prepareNamespaces,
  removeNamespace,
} from "../linux/netns.ts";
import type { Store } from "../store/types.ts";
import { lockBridge } from "./bridge-lock.ts";
import { checkConfig, ensureDefaultNetworks, newId } from "./default-networks.ts";
import { openBridgeDriver } from "./drivers/bridge.ts";
import { hostDriver, noneDriver } from "./drivers/plain.ts";
import type { NetworkDriver } from "./drivers/types.ts";
import { openHostPorts } from "./host-ports.ts";
import { overlaps, type Prefix, parseCidr, prefixOf } from "./prefix.ts";
import { checkCompany, checkRequest, networkOfMode, sharedContainer } from "./request-check.ts";
import { addressRow, deleteSandboxRows, openRows, portRow } from "./rows.ts";
import { sandboxFiles } from "./sandbox-files.ts";
import { sandboxStatistics } from "./statistics.ts";
import type {
  EndpointRecord,
  NetworkRecord,
  Networks,
  NetworksConfig,
  RealisedSandbox,
  SandboxRecord,
  SandboxRequest,
} from "./types.ts";
import { filterNetworks, findNetwork, idleStatus, networkToApi, sandboxStatus } from "./views.ts";

export type * from "./types.ts";

/** Milliseconds between two looks at whether somebody took our rules away: 30 µs each. */
const RULES_INTERVAL = 5_000;
/**
 * Namespaces are let go some at a time, in a quiet moment: while the kernel takes one apart (some 40 ms) it holds the
 * lock that every change of devices needs, so the next container's start would wait for the last one's end.
 * Milliseconds without a change, and at most.
 */
const QUIET = 250;
const QUIET_AT_MOST = 1_000;
/** Milliseconds after which a device that did not go with its namespace is removed: some process keeps that. */
const NAMESPACE_PATIENCE = 3_000;
const NAMESPACE_POLL = 250;
/** How often another daemon may choose the same subnet at the same moment. */
const SUBNET_ATTEMPTS = 10;
const RTN_UNICAST = 1;

interface Plug {
  endpoint: EndpointRecord;
  network: NetworkRecord;
  driver: NetworkDriver;
}

/**
 * Reads the rows; touches no kernel. `reconcile` (with the containers whose shims live) makes the default
 * networks and brings devices, rules and namespaces in line with the rows; call it before the first `realise`.
 * Errors: invalid when `config` names a bad address, prefix or pool; conflict when another daemon has the bridge.
 */
export function openNetworks(options: {
  store: Store;
  config: NetworksConfig;
  environment: HostEnvironment;
}): Networks {
  const { config, environment } = options;
  checkConfig(config, environment.bridge);
  const lock = config.bridge === "none" ? undefined : lockBridge(environment.bridge);
  const rows = openRows(options.store);
  const folder = join(environment.paths.execRoot, "netns");
  const hostPorts = openHostPorts(rows, config.ip);
  const taken = (networkId: string) =>
    new Set(rows.addresses.where("networkId", networkId).map(({ address }) => address));
  const bridge = openBridgeDriver({ environment, config, hostPorts, taken });
  const drivers = new Map<string, NetworkDriver>(
    [bridge, hostDriver(), noneDriver()].map((driver) => [driver.name, driver]),
  );
  const background = new Set<Promise<void>>();
  /** Allocated by this process: not yet recorded as running maybe, and its to release. */
  const starting = new Set<string>();
  const released: { file: string; plugs: Plug[] }[] = [];
  let burial: { timer: ReturnType<typeof setTimeout>; since: number } | undefined;
  let watch: ReturnType<typeof setInterval> | undefined;

  return {
    check: checkRequest,

    async allocate(request) {
      checkRequest(request);
      return framed(() => {
        const before = rows.sandboxes.get(request.containerId);
        if (before) letGo(before);
        starting.add(request.containerId);
        return rows.transaction(() => {
          deleteSandboxRows(rows, request.containerId);
          return allocateRows(request);
        });
      });
    },

    async realise(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      if (!sandbox) throw systemError(`no network is allocated for container ${containerId}`);
      return framed(() => realise(sandbox));
    },

    async release(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      starting.delete(containerId);
      if (!sandbox) return;
      letGo(sandbox);
      rows.transaction(() => deleteSandboxRows(rows, containerId));
    },

    status(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      return sandbox && sandboxStatus(rows, sandbox, keyOf(sandbox));
    },

    idle(request, { started } = { started: false }) {
      const shared = sharedContainer(request.networkMode) !== undefined;
      const name = shared ? undefined : networkOfMode(request.networkMode, config.bridge === "none");
      return idleStatus(rows, request, name, started);
    },

    statistics(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      const owner = sandbox && ownerOf(sandbox);
      return owner?.mode === "private"
        ? sandboxStatistics(pinFile(owner), rows.endpoints.where("sandboxId", owner.id))
        : {};
    },

    renamed(containerId, name) {
      const sandbox = rows.sandboxes.get(containerId);
      if (sandbox) rows.sandboxes.put({ ...sandbox, request: { ...sandbox.request, containerName: name } });
    },

    list: (filters = {}) => filterNetworks(rows, filters),
    find: (term) => findNetwork(rows, term),
    toApi: (record, { verbose }) => networkToApi(rows, record, verbose),

    async reconcile(alive) {
      const dead = rows.sandboxes.all().filter(({ id }) => !alive.has(id) && !starting.has(id));
      for (const sandbox of dead)
        try {
          letGo(sandbox);
        } catch (thrown) {
          log.warn("a dead container's network is left over", {
            container: sandbox.id,
            error: messageOf(thrown),
          });
        }
      rows.transaction(() => {
        for (const { id } of dead) deleteSandboxRows(rows, id);
      });
      mkdirSync(environment.paths.execRoot, { recursive: true, mode: 0o711 });
      prepareNamespaces(folder);
      const pins = new Set(rows.sandboxes.all().map(pinName));
      for (const name of namesOf(folder)) if (!pins.has(name)) removeNamespace(pinOf(folder, name));
      for (const sandbox of rows.sandboxes.all())
        if ((sandbox.mode === "private" || sandbox.mode === "none") && !isPinned(pinFile(sandbox)))
          log.warn("a running container has lost the name of its network namespace", {
            container: sandbox.id,
          });
      settleDefaultNetworks();
      watch ??= setInterval(checkRules, RULES_INTERVAL);
      watch.unref();
    },

    async close() {
      clearInterval(watch);
      watch = undefined;
      bury();
      await Promise.all(background);
      // While containers run, all of it has to stay; without any, a daemon that ends leaves the host as it was.
      if (rows.sandboxes.all().length === 0) {
        for (const network of rows.networks.all()) drivers.get(network.driver)?.removeNetwork(network);
        bridge.removeRules();
        dropNamespaces(folder);
      }
      bridge.close();
      lock?.[Symbol.dispose]();
    },
  };

  function driverOf(network: NetworkRecord): NetworkDriver {
    const driver = drivers.get(network.driver);
    if (!driver)
      throw systemError(`network ${network.name} needs the driver ${network.driver}, which is not here`);
    return driver;
  }

  function allocateRows(request: SandboxRequest): SandboxRecord {
    const shared = sharedContainer(request.networkMode);
    if (shared !== undefined) return allocateShared(request, shared);
    const network = findNetwork(rows, networkOfMode(request.networkMode, config.bridge === "none"));
    checkCompany(network.name, request);
    const driver = driverOf(network);
    const sandbox: SandboxRecord = {
      id: request.containerId,
      key: newId(),
      mode: driver.sandbox,
      scope: "local",
      request,
    };
    rows.sandboxes.put(sandbox);
    const id = newId();
    const settings = request.networkingConfig?.EndpointsConfig;
    const asked = settings?.[network.name] ?? settings?.[request.networkMode];
    const mac = request.macAddress || asked?.MacAddress;
    const allocation = driver.allocate(network, { ...request, ...(mac && { macAddress: mac }) }, id);
    const endpoint: EndpointRecord = {
      id,
      sandboxId: sandbox.id,
      networkId: network.id,
      scope: network.scope,
      interfaceName: "eth0",
      aliases: asked?.Aliases ?? [],
      ...allocation,
    };
    rows.endpoints.put(endpoint);
    for (const address of [endpoint.addresses.ipv4, endpoint.addresses.ipv6])
      if (address) rows.addresses.put(addressRow(network.id, id, address));
    for (const { protocol, hostAddress, hostPort } of endpoint.ports)
      rows.ports.put(portRow(id, { protocol, hostAddress, hostPort }));
    return sandbox;
  }

  function allocateShared(request: SandboxRequest, owner: string): SandboxRecord {
    if (owner === request.containerId) throw systemError("cannot join own network namespace");
    if (!rows.sandboxes.get(owner))
      throw conflict(`cannot join network namespace of a non running container: container ${owner}`);
    const sandbox: SandboxRecord = {
      id: request.containerId,
      key: "",
      mode: "shared",
      sharedWith: owner,
      scope: "local",
      request,
    };
    rows.sandboxes.put(sandbox);
    return sandbox;
  }

  function pinName(sandbox: SandboxRecord): string {
    return sandbox.key.slice(0, 12);
  }
  function pinFile(sandbox: SandboxRecord): string {
    return pinOf(folder, pinName(sandbox));
  }
  /** Docker's name for the host's namespace is a path that need not be there. */
  function keyOf(sandbox: SandboxRecord): string {
    return sandbox.mode === "host" ? pinOf(folder, "default") : pinFile(sandbox);
  }

  /** The sandbox whose namespace it is: the one that it shares, or itself. */
  function ownerOf(sandbox: SandboxRecord): SandboxRecord {
    if (sandbox.mode !== "shared") return sandbox;
    const owner = rows.sandboxes.get(sandbox.sharedWith ?? "");
    if (!owner)
      throw conflict(
        `cannot join network namespace of a non running container: container ${sandbox.sharedWith}`,
      );
    return ownerOf(owner);
  }

  function realise(sandbox: SandboxRecord): RealisedSandbox {
    if (burial) quietly();
    const owner = ownerOf(sandbox);
    const endpoints = rows.endpoints.where("sandboxId", owner.id);
    if (owner === sandbox && sandbox.mode !== "host") realiseNamespace(sandbox, endpoints);
    const files = sandboxFiles(owner, endpoints, config, bridgeGateways());
    return {
      namespace: owner.mode === "host" ? null : pinFile(owner),
      ...(owner !== sandbox && { filesOf: owner.id }),
      ...files,
      sysctls: {},
      reserve: owner === sandbox ? reservations(endpoints) : [],
    };
  }

  function plugsOf(endpoints: readonly EndpointRecord[]): Plug[] {
    return endpoints.map((endpoint) => {
      const network = findNetwork(rows, endpoint.networkId);
      return { endpoint, network, driver: driverOf(network) };
    });
  }

  function realiseNamespace(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[]): void {
    const plugs = plugsOf(endpoints);
    for (const { driver, network } of plugs) driver.realiseNetwork(network);
    const file = pinFile(sandbox);
    const complete = plugs.every(
      ({ driver, endpoint }) => driver.sandbox !== "private" || driver.lingers(endpoint),
    );
    if (existsSync(file) && isPinned(file) && complete) return;
    if (existsSync(file)) removeNamespace(file);
    try {
      createNamespace(file, (namespaceFd) => {
        using inside = openRoute();
        const loopback = findLink(inside, "lo");
        if (loopback) setLink(inside, loopback.index, { up: true });
        for (const { driver, network, endpoint } of plugs)
          driver.plug(network, endpoint, {
            namespaceFd,
            inside,
            interfaceName: endpoint.interfaceName ?? "eth0",
          });
      });
      for (const { driver, network, endpoint } of plugs) driver.publish(network, endpoint);
    } catch (thrown) {
      letGo(sandbox);
      throw thrown;
    }
  }

  function reservations(endpoints: readonly EndpointRecord[]): RealisedSandbox["reserve"] {
    return endpoints.flatMap(({ ports }) =>
      ports.flatMap(({ protocol, hostAddress, hostPort }) =>
        protocol === "sctp" ? [] : [{ protocol, address: hostAddress, port: hostPort }],
      ),
    );
  }

  function bridgeGateways(): string[] {
    const [network] = rows.networks.where("name", "bridge");
    return network?.pools.flatMap(({ gateway }) => (gateway ? [gateway] : [])) ?? [];
  }

  /** Takes a sandbox out of the kernel: silent at once, gone a little later. The rows are the caller's. */
  function letGo(sandbox: SandboxRecord): void {
    if (sandbox.mode === "shared" || sandbox.mode === "host") return;
    const plugs = plugsOf(rows.endpoints.where("sandboxId", sandbox.id));
    for (const { driver, network, endpoint } of plugs) driver.unplug(network, endpoint);
    released.push({ file: pinFile(sandbox), plugs });
    quietly();
  }

  function quietly(): void {
    const since = burial?.since ?? Date.now();
    clearTimeout(burial?.timer);
    const wait = Math.max(0, Math.min(QUIET, since + QUIET_AT_MOST - Date.now()));
    burial = { timer: setTimeout(bury, wait), since };
  }

  /** Lets the namespaces go; their devices go with them. */
  function bury(): void {
    clearTimeout(burial?.timer);
    burial = undefined;
    const gone = released.splice(0);
    if (gone.length === 0) return;
    const work = (async () => {
      for (const { file } of gone) removeNamespace(file);
      await sweep(gone.flatMap(({ plugs }) => plugs));
    })().catch((thrown) => log.warn("a container's network is left over", { error: messageOf(thrown) }));
    background.add(work);
    work.finally(() => background.delete(work));
  }

  /** Where a process keeps a namespace, its devices are removed all the same. */
  async function sweep(plugs: readonly Plug[]): Promise<void> {
    const until = Date.now() + NAMESPACE_PATIENCE;
    // Not at once: to look would wait for the lock that the kernel holds now.
    await Bun.sleep(NAMESPACE_POLL);
    for (const { driver, endpoint } of plugs)
      while (driver.lingers(endpoint)) {
        if (Date.now() > until) driver.sweep(endpoint);
        else await Bun.sleep(NAMESPACE_POLL);
      }
  }

  function checkRules(): void {
    try {
      bridge.checkRules();
    } catch (thrown) {
      log.warn("cannot look after the network's rules", { error: messageOf(thrown) });
    }
  }

  /** Makes the default networks' rows and devices, again when another daemon chose the same subnet meanwhile. */
  function settleDefaultNetworks(): void {
    for (let attempt = 1; ; attempt++) {
      rows.transaction(() =>
        ensureDefaultNetworks(
          rows,
          config,
          environment,
          usedPrefixes(),
          rows.endpoints.all().some(isAddressed),
        ),
      );
      for (const driver of drivers.values()) {
        const networks = rows.networks.all().filter((network) => network.driver === driver.name);
        const ids = new Set(networks.map(({ id }) => id));
        driver.reconcile(
          networks,
          rows.endpoints.all().filter((endpoint) => ids.has(endpoint.networkId)),
        );
      }
      if (attempt === SUBNET_ATTEMPTS || config.bip || !choseTheSame()) return;
    }
  }

  /** True when a device older than our bridge has its subnet too, and nothing of ours uses it yet. */
  function choseTheSame(): boolean {
    const [network] = rows.networks.where("name", "bridge");
    if (!network || rows.endpoints.where("networkId", network.id).length > 0) return false;
    using socket = openRoute();
    const own = findLink(socket, environment.bridge)?.index ?? 0;
    return listRoutes(socket).some(
      (route) =>
        route.destination !== undefined &&
        route.device !== undefined &&
        route.device < own &&
        route.type === RTN_UNICAST &&
        network.pools.some(({ subnet }) => overlaps(prefixOf(subnet), prefixOf(route.destination ?? ""))),
    );
  }

  /** Prefixes that lead elsewhere: routes but the default, and addresses, of devices other than our bridge. */
  function usedPrefixes(): Prefix[] {
    using socket = openRoute();
    const own = findLink(socket, environment.bridge)?.index;
    const routes = listRoutes(socket).filter((route) => route.device !== own && route.type === RTN_UNICAST);
    const addresses = listAddresses(socket).filter((address) => address.index !== own);
    return [
      ...routes.map(({ destination }) => destination),
      ...addresses.map(({ address, prefix }) => `${address}/${prefix}`),
    ].flatMap((text) => {
      const prefix = text ? parseCidr(text)?.prefix : undefined;
      return prefix && prefix.length > 0 ? [prefix] : [];
    });
  }
}

const isAddressed = (endpoint: EndpointRecord) => Boolean(endpoint.addresses.ipv4 || endpoint.addresses.ipv6);

/** Docker's frame around whatever kept a container's network from being set up; the kind stays. */
function framed<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const kind = thrown instanceof BerthError ? thrown.kind : "system";
    throw new BerthError(kind, `failed to set up container networking: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

// The networks room's door: opens the networks of one daemon on its store, config and host.
//
// Who runs beside whom: every change is synchronous from its first look at rows and kernel to its last, so that there
// is nothing to lock. What is slow (the kernel's grace period after a namespace) goes on in burial.ts, which `close`
// awaits. Other programs change rules at any time: the driver looks before each use, and `mend` every few seconds.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HostEnvironment } from "../base/environment.ts";
import { BerthError, forbidden, messageOf, systemError } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { log } from "../base/log.ts";
import {
  dropNamespaces,
  isPinned,
  namesOf,
  pinOf,
  prepareNamespaces,
  removeNamespace,
} from "../linux/netns.ts";
import type { Store } from "../store/types.ts";
import { lockBridge } from "./bridge-lock.ts";
import { openBurial } from "./burial.ts";
import { decideNetwork } from "./create-network.ts";
import { checkConfig, ensureDefaultNetworks } from "./default-networks.ts";
import { openBridgeDriver } from "./drivers/bridge.ts";
import { openIpvlanDriver } from "./drivers/ipvlan.ts";
import { openMacvlanDriver } from "./drivers/macvlan.ts";
import { openParentDevices } from "./drivers/parent-device.ts";
import { hostDriver, noneDriver } from "./drivers/plain.ts";
import type { NetworkDriver } from "./drivers/types.ts";
import { openHostPorts, reservedPorts } from "./host-ports.ts";
import { hasNames, openNameSource } from "./name-source.ts";
import { openNameServer } from "./names/index.ts";
import { type Prefix, prefixOf } from "./prefix.ts";
import { checkConnection, checkRequest, networkNames, sharedContainer } from "./request-check.ts";
import { deleteSandboxRows, openRows } from "./rows.ts";
import { sandboxFiles } from "./sandbox-files.ts";
import { openSandboxRows } from "./sandbox-rows.ts";
import { openSandboxes, pinName } from "./sandboxes.ts";
import { sandboxStatistics } from "./statistics.ts";
import type {
  EndpointRecord,
  HostPort,
  NetworkRecord,
  Networks,
  NetworksConfig,
  RealisedSandbox,
  SandboxRecord,
} from "./types.ts";
import { choseTheSame, usedPrefixes } from "./used-prefixes.ts";
import {
  filterNetworks,
  findIfThere,
  findNetwork,
  idleStatus,
  networkToApi,
  sandboxStatus,
} from "./views.ts";

export type * from "./types.ts";

/** Milliseconds between two looks at whether somebody took our bridges away. That rules are gone the kernel tells at once. */
const MEND_INTERVAL = 5_000;
/** How often another daemon may choose the same subnet at the same moment. */
const SUBNET_ATTEMPTS = 10;

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
  const bridge = openBridgeDriver({ environment, config });
  const parents = openParentDevices(environment);
  const drivers = new Map<string, NetworkDriver>(
    [bridge, hostDriver(), noneDriver(), openMacvlanDriver(parents), openIpvlanDriver(parents)].map(
      (driver) => [driver.name, driver],
    ),
  );
  const burial = openBurial();
  const decisions = openSandboxRows({ rows, config, hostPorts: openHostPorts(rows), driverOf });
  const names = openNameServer(openNameSource({ rows, config, attached: decisions.attached }));
  const sandboxes = openSandboxes({ rows, decisions, burial, folder, driverOf, names });
  const find = (term: string) => findIfThere(rows, term);
  /** Allocated by this process: not yet recorded as running maybe, and its to release. */
  const starting = new Set<string>();
  let watch: ReturnType<typeof setInterval> | undefined;

  return {
    check: (request) => checkRequest(request, find),

    async allocate(request) {
      checkRequest(request, find);
      return framed(() => {
        const before = rows.sandboxes.get(request.containerId);
        if (before) sandboxes.letGo(before);
        starting.add(request.containerId);
        return rows.transaction(() => {
          deleteSandboxRows(rows, request.containerId);
          return decisions.allocate(request);
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
      sandboxes.letGo(sandbox);
      rows.transaction(() => deleteSandboxRows(rows, containerId));
    },

    connect: (containerId, network, networking, alongside) =>
      sandboxes.connect(runningSandbox(containerId), network, networking, alongside),
    disconnect: (containerId, network, networking, alongside) =>
      sandboxes.disconnect(runningSandbox(containerId), network, networking, alongside),

    checkConnection(request, network, settings) {
      const present = [...this.named(request)].map(([name, known]) => known?.name ?? name);
      checkConnection(request.networkMode, present, network.name);
      const only = { EndpointsConfig: { [network.name]: settings } };
      checkRequest(
        { ...request, networkingConfig: only },
        () => network,
        () => "",
      );
    },
    named: (request) =>
      new Map(networkNames(request, config.bridge === "none").map((name) => [name, find(name)])),

    hostPorts(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      return sandbox ? reservations(sandbox) : [];
    },

    files(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      return sandbox && filesOf(sandboxes.ownerOf(sandbox));
    },

    status(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      return sandbox && sandboxStatus(rows, sandbox, keyOf(sandbox));
    },

    idle(request, { started } = { started: false }) {
      const shared = sharedContainer(request.networkMode) !== undefined;
      const names = shared ? [] : networkNames(request, config.bridge === "none");
      return idleStatus(rows, request, names, started);
    },

    statistics(containerId) {
      const sandbox = rows.sandboxes.get(containerId);
      const owner = sandbox && sandboxes.ownerOf(sandbox);
      return owner?.mode === "private"
        ? sandboxStatistics(sandboxes.pinFile(owner), rows.endpoints.where("sandboxId", owner.id))
        : {};
    },

    renamed(containerId, name) {
      const sandbox = rows.sandboxes.get(containerId);
      if (sandbox) rows.sandboxes.put({ ...sandbox, request: { ...sandbox.request, containerName: name } });
    },

    create(request) {
      const networks = rows.networks.all();
      const record = decideNetwork(request, {
        networks,
        config,
        drivers: new Set([...drivers.keys()]),
        choosesGateway: (driver, network) =>
          (drivers.get(driver)?.defaultRoute?.(network) ?? "gateway") === "gateway",
        used: () => usedPrefixes(ownDevices()),
      });
      if (!record.configOnly) driverOf(record).check(record, networks);
      rows.networks.put(record);
      failpoint("network.created");
      if (record.configOnly) return record;
      try {
        driverOf(record).realiseNetwork(record);
      } catch (thrown) {
        rows.networks.delete(record.id);
        driverOf(record).removeNetwork(record);
        throw thrown;
      }
      return record;
    },

    remove(network) {
      checkRemoval(network);
      // The row first: a device that no row names is taken away at the next start.
      rows.networks.delete(network.id);
      failpoint("network.removed");
      if (!network.configOnly) driverOf(network).removeNetwork(network);
    },

    list: (filters = {}) => filterNetworks(rows, filters),
    find: (term) => findNetwork(rows, term),
    toApi: (record, { containers }) => networkToApi(rows, record, containers),

    async reconcile(alive) {
      forgetDead(alive);
      mkdirSync(environment.paths.execRoot, { recursive: true, mode: 0o711 });
      prepareNamespaces(folder);
      const pins = new Set(rows.sandboxes.all().map(pinName));
      for (const name of namesOf(folder)) if (!pins.has(name)) removeNamespace(pinOf(folder, name));
      settleDefaultNetworks();
      for (const sandbox of rows.sandboxes.all()) {
        if (sandbox.mode !== "private" && sandbox.mode !== "none") continue;
        if (isPinned(sandboxes.pinFile(sandbox))) sandboxes.repair(sandbox);
        else
          log.warn("a running container has lost the name of its network namespace", {
            container: sandbox.id,
          });
      }
      watch ??= setInterval(mend, MEND_INTERVAL);
      watch.unref();
    },

    async close() {
      clearInterval(watch);
      watch = undefined;
      names.close();
      await burial.finish();
      // While containers run, all of it has to stay; without any, a daemon that ends leaves the host as it was.
      if (rows.sandboxes.all().length === 0) {
        for (const network of rows.networks.all())
          if (!network.configOnly) drivers.get(network.driver)?.removeNetwork(network);
        bridge.removeRules();
        dropNamespaces(folder);
      }
      bridge.close();
      parents.close();
      lock?.[Symbol.dispose]();
    },
  };

  function driverOf(network: NetworkRecord): NetworkDriver {
    const driver = drivers.get(network.driver);
    if (!driver)
      throw systemError(`network ${network.name} needs the driver ${network.driver}, which is not here`);
    return driver;
  }

  function runningSandbox(containerId: string): SandboxRecord {
    const sandbox = rows.sandboxes.get(containerId);
    if (!sandbox) throw systemError(`no network is allocated for container ${containerId}`);
    return sandbox;
  }

  /** Docker's name for the host's namespace is a path that need not be there. */
  function keyOf(sandbox: SandboxRecord): string {
    return sandbox.mode === "host" ? pinOf(folder, "default") : sandboxes.pinFile(sandbox);
  }

  function realise(sandbox: SandboxRecord): RealisedSandbox {
    burial.disturb();
    const owner = sandboxes.ownerOf(sandbox);
    if (owner === sandbox && sandbox.mode !== "host") sandboxes.realise(sandbox);
    return {
      namespace: owner.mode === "host" ? null : sandboxes.pinFile(owner),
      ...(owner !== sandbox && { filesOf: owner.id }),
      ...filesOf(owner),
      sysctls: {},
      reserve: owner === sandbox ? reservations(owner) : [],
    };
  }

  function reservations({ id }: SandboxRecord): HostPort[] {
    return rows.endpoints
      .where("sandboxId", id)
      .flatMap((endpoint) => reservedPorts(endpoint, { forwards: config.userlandProxy }));
  }

  function filesOf(owner: SandboxRecord): { hosts: string; resolvConf: string } {
    const [network] = rows.networks.where("name", "bridge");
    const gateways = network?.pools.flatMap(({ gateway }) => (gateway ? [gateway] : [])) ?? [];
    const networks = decisions.attached(owner).map((one) => one.network);
    const named = hasNames(owner, networks);
    return sandboxFiles(owner, rows.endpoints.where("sandboxId", owner.id), config, { named, gateways });
  }

  /** Errors: forbidden, in Docker's words. */
  function checkRemoval(network: NetworkRecord): void {
    if (network.builtIn) throw forbidden(`${network.name} is a pre-defined network and cannot be removed`);
    const frame = "error while removing network: ";
    if (network.configOnly && rows.networks.all().some(({ configFrom }) => configFrom === network.name))
      throw forbidden(`${frame}configuration network ${JSON.stringify(network.name)} is in use`);
    const endpoints = rows.endpoints.where("networkId", network.id);
    if (endpoints.length === 0) return;
    const names = endpoints.map(({ id, sandboxId }) => {
      const name = rows.sandboxes.get(sandboxId)?.request.containerName ?? "";
      return `name:${JSON.stringify(name)} id:${JSON.stringify(id.slice(0, 12))}`;
    });
    throw forbidden(`${frame}network ${network.name} has active endpoints (${names.join(", ")})`);
  }

  function forgetDead(alive: ReadonlySet<string>): void {
    const dead = rows.sandboxes.all().filter(({ id }) => !alive.has(id) && !starting.has(id));
    for (const sandbox of dead)
      try {
        sandboxes.letGo(sandbox);
      } catch (thrown) {
        log.warn("a dead container's network is left over", {
          container: sandbox.id,
          error: messageOf(thrown),
        });
      }
    rows.transaction(() => {
      for (const { id } of dead) deleteSandboxRows(rows, id);
    });
  }

  function mend(): void {
    try {
      bridge.mend();
    } catch (thrown) {
      log.warn("cannot look after the networks' bridges and rules", { error: messageOf(thrown) });
    }
  }

  /** Devices of our networks: what leads there leads to us. */
  function ownDevices(): Set<string> {
    return new Set(
      rows.networks.all().flatMap((network) => drivers.get(network.driver)?.deviceOf?.(network) ?? []),
    );
  }

  /** Subnets of the networks that somebody made: the default bridge gets none of them. */
  function ownPrefixes(): Prefix[] {
    const made = rows.networks.all().filter(({ builtIn, configOnly }) => !builtIn && !configOnly);
    return made.flatMap(({ pools }) => pools.map(({ subnet }) => prefixOf(subnet)));
  }

  /** Makes the default networks' rows and devices, again when another daemon chose the same subnet meanwhile. */
  function settleDefaultNetworks(): void {
    for (let attempt = 1; ; attempt++) {
      const busy = rows.endpoints.all().some(isAddressed);
      rows.transaction(() =>
        ensureDefaultNetworks(
          rows,
          config,
          environment,
          [...usedPrefixes(ownDevices()), ...ownPrefixes()],
          bridge.givenAddresses(),
          busy,
        ),
      );
      for (const driver of drivers.values()) {
        const networks = rows.networks
          .all()
          .filter((network) => network.driver === driver.name && !network.configOnly);
        const ids = new Set(networks.map(({ id }) => id));
        driver.reconcile(
          networks,
          rows.endpoints.all().filter((endpoint) => ids.has(endpoint.networkId)),
        );
      }
      if (attempt === SUBNET_ATTEMPTS || config.bip || !bridgeCollides()) return;
    }
  }

  /** True when another engine's device has our bridge's subnet too, and nothing of ours uses it yet. */
  function bridgeCollides(): boolean {
    const [network] = rows.networks.where("name", "bridge");
    if (!network || rows.endpoints.where("networkId", network.id).length > 0) return false;
    return choseTheSame(
      environment.bridge,
      network.pools.map(({ subnet }) => subnet),
    );
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

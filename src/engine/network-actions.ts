// The networks room's verbs that change something, with their events; connecting crosses to the container's record.
import type { EndpointSettings } from "../api/types/index.ts";
import { conflict, isKind, messageOf, notFound, systemError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import {
  type ContainerRecord,
  checkFilters,
  isRunning,
  matchesLabel,
  parseNanoseconds,
  updateRecord,
} from "../containers/index.ts";
import type { NetworkRecord, NetworkRequest } from "../networks/types.ts";
import { publishNetworkEvent } from "./container-events.ts";
import { keepPorts } from "./kept-ports.ts";
import { refreshNetworkFiles } from "./network-files.ts";
import { untilOf } from "./prune-containers.ts";
import { sandboxRequest } from "./sandbox-request.ts";
import type { Engine, Filters } from "./types.ts";

const PRUNE_FILTERS = new Set(["label", "label!", "until"]);

/** Errors: invalid, forbidden, conflict, not-found, in Docker's words. */
export function createNetwork(engine: Engine, request: NetworkRequest): NetworkRecord {
  const network = engine.networks.create(request);
  publishNetworkEvent(engine, network, "create");
  return network;
}

/** Errors: not-found, forbidden (a default one, or one with endpoints). */
export function removeNetwork(engine: Engine, reference: string): void {
  const network = engine.networks.find(reference);
  engine.networks.remove(network);
  if (!network.configOnly) publishNetworkEvent(engine, network, "destroy");
}

/** Those without an endpoint go, by label and age. Errors: invalid. */
export function pruneNetworks(engine: Engine, filters: Filters): string[] {
  checkFilters(filters, PRUNE_FILTERS);
  const until = untilOf(filters.until ?? []);
  const removed: string[] = [];
  for (const network of engine.networks.list({ dangling: ["true"] })) {
    if (network.configOnly) continue; // Templates are never used by a container.
    if (until !== undefined && (parseNanoseconds(network.createdAt) ?? 0n) > until) continue;
    if (!(filters.label ?? []).every((text) => matchesLabel(text, network.labels))) continue;
    if ((filters["label!"] ?? []).some((text) => matchesLabel(text, network.labels))) continue;
    try {
      removeNetwork(engine, network.id);
      removed.push(network.name);
    } catch (error) {
      log.warn("cannot prune a network", { name: network.name, error: messageOf(error) });
    }
  }
  engine.events.publish("network", "prune", "", { reclaimed: "0" });
  return removed;
}

/**
 * Connects a container to a network; one that runs at once, another at its next start. Errors: not-found, invalid,
 * forbidden, conflict, in Docker's words; nothing has changed then.
 */
export async function connectNetwork(
  engine: Engine,
  reference: string,
  container: string,
  settings: EndpointSettings,
): Promise<void> {
  const { id } = engine.containers.find(container);
  await engine.containers.locks.run(id, async () => {
    const record = engine.containers.find(id);
    const network = engine.networks.find(reference);
    if (record.state.status === "removing" || record.state.status === "dead")
      throw conflict(`container ${id} is marked for removal and cannot be connected to a network`);
    engine.networks.checkConnection(sandboxRequest(record), network, settings);
    const others = withoutNetwork(engine, record, network);
    const networking = { ...record.networking, EndpointsConfig: { ...others, [network.name]: settings } };
    const store = () => {
      updateRecord(engine.containers, id, { networking, namedNetworksOnly: true });
      return () => void updateRecord(engine.containers, id, before(record));
    };
    if (!isRunning(record.state)) return void store();
    const files = engine.networks.files(id);
    engine.networks.connect(id, network, networking, store);
    refreshNetworkFiles(engine, id, files);
    await keepPorts(engine, id);
    publishNetworkEvent(engine, network, "connect", id);
  });
}

const before = ({ networking, namedNetworksOnly = false }: ContainerRecord) => ({
  networking,
  namedNetworksOnly,
});

/** Takes a container off a network. Errors: not-found, system when it isn't on it. */
export async function disconnectNetwork(
  engine: Engine,
  reference: string,
  container: string,
  { force }: { force: boolean },
): Promise<void> {
  const { id } = findHolder(engine, container, force);
  await engine.containers.locks.run(id, async () => {
    const record = engine.containers.find(id);
    const network = engine.networks.find(reference);
    const connected = [...engine.networks.named(sandboxRequest(record)).values()];
    if (!connected.some((known) => known?.id === network.id)) {
      const the = isRunning(record.state) ? "" : "the ";
      throw systemError(`container ${id} is not connected to ${the}network ${network.name}`);
    }
    const networking = { ...record.networking, EndpointsConfig: withoutNetwork(engine, record, network) };
    const store = () => void updateRecord(engine.containers, id, { networking, namedNetworksOnly: true });
    if (!isRunning(record.state)) return store();
    const files = engine.networks.files(id);
    engine.networks.disconnect(id, network, networking, store);
    refreshNetworkFiles(engine, id, files);
    await keepPorts(engine, id);
    publishNetworkEvent(engine, network, "disconnect", id);
  });
}

/** By force, Docker looks for the endpoint of a container that is gone; here none outlives its container. */
function findHolder(engine: Engine, container: string, force: boolean): ContainerRecord {
  try {
    return engine.containers.find(container);
  } catch (error) {
    throw force && isKind(error, "not-found") ? notFound(`endpoint ${container} not found`, error) : error;
  }
}

/** A container's settings for all of its networks but one, the mode's own among them where it is implied so far. */
function withoutNetwork(engine: Engine, record: ContainerRecord, gone: NetworkRecord) {
  const named = [...engine.networks.named(sandboxRequest(record))];
  return Object.fromEntries(
    named
      .filter(([, network]) => network?.id !== gone.id)
      .map(([name, network]) => [network?.name ?? name, record.networking.EndpointsConfig?.[name] ?? {}]),
  );
}

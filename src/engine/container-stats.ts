// The use case "stats": what a container has used, from its control group, its network and the host's processors.
import { invalid } from "../base/errors.ts";
import {
  type ContainerId,
  type ContainerRecord,
  type ContainerStats,
  now,
  Sampler,
  type StatsSample,
  toStats,
} from "../containers/index.ts";
import { containerCgroup, readCgroupStats, readHostProcessors } from "../runtime/index.ts";
import { bundleFolder } from "./folders.ts";
import type { Engine } from "./types.ts";

/** Milliseconds between two readings, as in Docker. */
const INTERVAL = 1000;

/** What all watchers of this daemon share; `undefined` is a container that does not run. */
type Reading = { sample: StatsSample | undefined };
const samplers = new WeakMap<Engine, Sampler<Reading>>();

export interface StatsRequest {
  /** A reading a second for as long as the container is there; else one, with the processor time of a second before. */
  stream: boolean;
  /** One reading, without a second to compare with. */
  oneShot: boolean;
}

/**
 * Figures as they come. A container that doesn't run has empty ones, and may run again; the end is its removal, or
 * `signal`'s. Errors: not-found, invalid (both wishes).
 */
export async function containerStats(
  engine: Engine,
  reference: string,
  { stream, oneShot }: StatsRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<ContainerStats>> {
  const record = engine.containers.find(reference);
  if (stream && oneShot) throw invalid("cannot have stream=true and one-shot=true");
  if (stream) return watch(engine, record, signal);
  if (!hasProcesses(record)) return just(toStats(record, undefined, undefined));
  if (oneShot) return just(toStats(record, (await read(engine, record.id)).sample, undefined));
  return second(engine, record, signal);
}

async function* just(stats: ContainerStats) {
  yield stats;
}

/** The second reading, so that a share of the processors can be told from it. */
async function* second(engine: Engine, record: ContainerRecord, signal: AbortSignal) {
  let primed = false;
  for await (const stats of watch(engine, record, signal)) {
    if (primed) {
      yield stats;
      return;
    }
    primed = true;
  }
}

async function* watch(engine: Engine, { id }: ContainerRecord, signal: AbortSignal) {
  const { containers } = engine;
  const end = new AbortController();
  const over = AbortSignal.any([signal, end.signal, engine.closing]);
  const removed = containers.waiters.wait(containers.find(id), "removed", over);
  removed.then(
    () => end.abort(),
    () => {},
  );
  const sampler = samplers.get(engine) ?? new Sampler<Reading>(INTERVAL);
  samplers.set(engine, sampler);
  let before: StatsSample | undefined;
  try {
    for await (const { sample } of sampler.watch(id, () => read(engine, id), over)) {
      const record = containers.get(id);
      if (!record) return;
      yield toStats(record, sample, before);
      before = sample;
    }
  } finally {
    end.abort();
  }
}

/** A paused one has them too, one that waits to be restarted has none. */
const hasProcesses = ({ state }: ContainerRecord): boolean =>
  state.status === "running" || state.status === "paused";

async function read(engine: Engine, id: ContainerId): Promise<Reading> {
  const record = engine.containers.get(id);
  const cgroup = record && hasProcesses(record) ? cgroupOf(engine, record) : undefined;
  if (cgroup === undefined) return { sample: undefined };
  // Close to each other, since clients divide one by the other.
  const [stats, host] = await Promise.all([readCgroupStats(cgroup), readHostProcessors()]);
  if (!stats) return { sample: undefined };
  return { sample: { read: now(), cgroup: stats, host, networks: engine.networks.statistics(id) } };
}

/** Of each record that was asked for; a start puts another in its place. */
const cgroups = new WeakMap<ContainerRecord, string>();

/** As its shim was told: the daemon's settings may have changed since. */
function cgroupOf({ environment }: Engine, record: ContainerRecord): string | undefined {
  const known = cgroups.get(record) ?? containerCgroup(bundleFolder(environment, record.id));
  if (known !== undefined) cgroups.set(record, known);
  return known;
}

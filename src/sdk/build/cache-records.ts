// The builder's cache: what it keeps, how much that is, and its removal.
import type { UsageRecord } from "../../buildkit/messages/control_pb.ts";
import type { Connection } from "../connection.ts";
import { openBuilder } from "./daemon.ts";
import { buildError } from "./error.ts";
import { instant } from "./events.ts";
import type { BuilderWorker, CachePruning, CacheRecord } from "./types.ts";

function recordOf(record: UsageRecord): CacheRecord {
  const { id, mutable, inUse, size, parent, parents, createdAt, lastUsedAt, usageCount } = record;
  return {
    id,
    mutable,
    inUse,
    size: Number(size),
    parents: parents.length > 0 ? parents : parent ? [parent] : [],
    created: instant(createdAt) ?? 0n,
    lastUsed: instant(lastUsedAt),
    usageCount: Number(usageCount),
    description: record.description,
    type: record.recordType,
    shared: record.shared,
  };
}

/** The smallest first. `filters`: in BuildKit's form (`type==regular,inuse`). */
export async function diskUsage(connection: Connection, filters: string[]): Promise<CacheRecord[]> {
  await using builder = await openBuilder(connection);
  try {
    const { record } = await builder.control.diskUsage({ filter: filters });
    return record.map(recordOf).sort(bySize);
  } catch (thrown) {
    throw buildError(thrown, "failed to call diskusage");
  }
}

const bySize = (a: CacheRecord, b: CacheRecord) => a.size - b.size || (a.id < b.id ? -1 : 1);

/** Each record as it is removed. */
export async function* pruneCache(
  connection: Connection,
  pruning: CachePruning,
): AsyncGenerator<CacheRecord> {
  await using builder = await openBuilder(connection);
  const {
    all = false,
    filters = [],
    unusedFor = 0,
    reservedSpace = 0,
    maxUsedSpace = 0,
    minFreeSpace = 0,
  } = pruning;
  try {
    const removed = builder.control.prune({
      all,
      filter: filters,
      keepDuration: BigInt(unusedFor),
      reservedSpace: BigInt(reservedSpace),
      maxUsedSpace: BigInt(maxUsedSpace),
      minFreeSpace: BigInt(minFreeSpace),
    });
    for await (const record of removed) yield recordOf(record);
  } catch (thrown) {
    throw buildError(thrown, "failed to receive status");
  }
}

export async function listWorkers(connection: Connection): Promise<BuilderWorker[]> {
  await using builder = await openBuilder(connection);
  try {
    const [{ record }, info] = await Promise.all([
      builder.control.listWorkers({}),
      // Older builders don't tell their version.
      builder.control.info({}).catch(() => undefined),
    ]);
    return record.map(({ id, labels, platforms, gcPolicy, buildkitVersion }) => ({
      id,
      labels,
      version: buildkitVersion?.version || info?.buildkitVersion?.version || "",
      platforms: platforms.map(({ os, architecture, variant }) =>
        [os, architecture, variant].filter(Boolean).join("/"),
      ),
      policies: gcPolicy.map((policy) => ({
        all: policy.all,
        filters: policy.filters,
        keepDuration: Number(policy.keepDuration),
        reservedSpace: Number(policy.reservedSpace),
        maxUsedSpace: Number(policy.maxUsedSpace),
        minFreeSpace: Number(policy.minFreeSpace),
      })),
    }));
  } catch (thrown) {
    throw buildError(thrown, "failed to list workers");
  }
}

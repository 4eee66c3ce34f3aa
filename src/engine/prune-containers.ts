// The use case "remove all containers that don't run".
import { invalid, messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import {
  type ContainerRecord,
  checkFilters,
  isRunning,
  matchesLabel,
  nowNanoseconds,
  parseEpoch,
  parseNanoseconds,
} from "../containers/index.ts";
import { sizeOf } from "./list-containers.ts";
import { removeContainer } from "./remove-container.ts";
import type { Engine, Filters, PruneReport } from "./types.ts";

const ACCEPTED = new Set(["label", "label!", "until"]);

/** Filters: label, label!, until. Errors: invalid. */
export async function pruneContainers(engine: Engine, filters: Filters): Promise<PruneReport> {
  checkFilters(filters, ACCEPTED);
  const until = untilOf(filters.until ?? []);
  const report: PruneReport = { deleted: [], spaceReclaimed: 0 };
  for (const record of engine.containers.all()) {
    if (isRunning(record.state) || !isWanted(record, filters, until)) continue;
    try {
      const { rw } = await sizeOf(engine, record);
      await removeContainer(engine, record.id, { force: false, volumes: false });
      report.deleted.push(record.id);
      report.spaceReclaimed += rw;
    } catch (error) {
      log.warn("cannot prune a container", { id: record.id, error: messageOf(error) });
    }
  }
  engine.events.publish("container", "prune", "", { reclaimed: String(report.spaceReclaimed) });
  return report;
}

function isWanted(record: ContainerRecord, filters: Filters, until: bigint | undefined): boolean {
  const labels = record.config.Labels ?? {};
  if (!(filters.label ?? []).every((label) => matchesLabel(label, labels))) return false;
  if ((filters["label!"] ?? []).some((label) => matchesLabel(label, labels))) return false;
  return until === undefined || (parseNanoseconds(record.createdAt) ?? 0n) < until;
}

const UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** A time (RFC 3339, a day, seconds since the epoch) or a duration back from now ("1h30m"). Errors: invalid. */
export function untilOf(values: string[]): bigint | undefined {
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) throw invalid("more than one until filter specified");
  const parts = [...value.matchAll(/(\d+)(ns|us|ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map(([text]) => text).join("") === value)
    return (
      nowNanoseconds() -
      parts.reduce((sum, [, n, unit]) => sum + BigInt(n as string) * (UNITS[unit as string] as bigint), 0n)
    );
  const day = /^\d{4}-\d\d-\d\d$/.test(value)
    ? `${value}T00:00:00Z`
    : /^[^Z+]*T[\d:.]+$/.test(value)
      ? `${value}Z`
      : value;
  const time = parseEpoch(value) ?? parseNanoseconds(day);
  if (time === undefined) throw invalid(`failed to parse value as time or duration: "${value}"`);
  return time;
}

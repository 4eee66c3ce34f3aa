// The builds that a daemon remembers: what they were, what they said, and their removal.
import { BuildHistoryEventType, type BuildHistoryRecord } from "../../buildkit/messages/control_pb.ts";
import type { Connection } from "../connection.ts";
import { openBuilder } from "./daemon.ts";
import { buildError } from "./error.ts";
import { eventOf, instant } from "./events.ts";
import type { BuildEvent, BuildRecord, HistoryQuery } from "./types.ts";

function recordOf(record: BuildHistoryRecord): BuildRecord {
  const { ref, frontend, frontendAttrs, error, createdAt, completedAt, exporterResponse } = record;
  return {
    ref,
    frontend,
    attributes: frontendAttrs,
    error: error?.message,
    created: instant(createdAt) ?? 0n,
    completed: instant(completedAt),
    response: exporterResponse,
    outputs: record.exporters.map(({ type, attrs }) => ({ type, attributes: attrs })),
    cachedSteps: record.numCachedSteps,
    completedSteps: record.numCompletedSteps,
    totalSteps: record.numTotalSteps,
    warnings: record.numWarnings,
    attestations: [["", record.result] as const, ...Object.entries(record.results)].flatMap(
      ([platform, result]) =>
        (result?.attestations ?? []).map(({ mediaType, digest, size, annotations }) => ({
          platform,
          mediaType,
          digest,
          size: Number(size),
          annotations,
        })),
    ),
  };
}

/** The newest first. */
export async function buildHistory(connection: Connection, query: HistoryQuery): Promise<BuildRecord[]> {
  await using builder = await openBuilder(connection);
  const { ref = "", filters = [], limit = 0 } = query;
  const records: BuildRecord[] = [];
  try {
    const events = builder.control.listenBuildHistory({ ref, filter: filters, limit, earlyExit: true });
    for await (const { type, record } of events)
      if (record && type !== BuildHistoryEventType.DELETED) records.push(recordOf(record));
  } catch (thrown) {
    throw buildError(thrown);
  }
  return records.sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
}

/** What a build of the history said while it ran. */
export async function* buildLogs(connection: Connection, ref: string): AsyncGenerator<BuildEvent> {
  await using builder = await openBuilder(connection);
  try {
    for await (const response of builder.control.status({ ref })) yield eventOf(response);
  } catch (thrown) {
    throw buildError(thrown);
  }
}

/** Throws a BuildError of code 5 where there is none. */
export async function removeBuild(connection: Connection, ref: string): Promise<void> {
  await using builder = await openBuilder(connection);
  try {
    await builder.control.updateBuildHistory({ ref, delete: true });
  } catch (thrown) {
    throw buildError(thrown);
  }
}

/** A blob of a build's record: an attestation, a log. */
export async function readBlob(connection: Connection, digest: string): Promise<Uint8Array> {
  await using builder = await openBuilder(connection);
  const pieces: Uint8Array[] = [];
  try {
    for await (const { data } of builder.content.read({ digest })) pieces.push(data);
  } catch (thrown) {
    throw buildError(thrown);
  }
  return Buffer.concat(pieces);
}

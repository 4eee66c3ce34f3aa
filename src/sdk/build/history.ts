// The builds that a daemon remembers: what they were, what they said, and their removal.
import { fromBinary } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import {
  BuildHistoryEventType,
  type BuildHistoryRecord,
  type Descriptor,
} from "../../buildkit/messages/control_pb.ts";
import { StatusSchema } from "../../buildkit/messages/status_pb.ts";
import type { Connection } from "../connection.ts";
import type { BuildError } from "./build-error.ts";
import { openBuilder } from "./daemon.ts";
import { buildError } from "./error.ts";
import { eventOf, instant } from "./events.ts";
import type { BuildEvent, BuildRecord, HistoryQuery, RecordedBlob } from "./types.ts";

function recordOf(record: BuildHistoryRecord): BuildRecord {
  const { ref, frontend, frontendAttrs, error, createdAt, completedAt, exporterResponse } = record;
  const results = Object.entries(record.results).sort(([a], [b]) => (a < b ? -1 : 1));
  if (record.result) results.unshift(["", record.result]);
  return {
    ref,
    frontend,
    attributes: frontendAttrs,
    error: error?.message,
    errorCode: error?.code,
    failure: blobOf(record.externalError),
    created: instant(createdAt) ?? 0n,
    completed: instant(completedAt),
    response: exporterResponse,
    outputs: record.exporters.map(({ type, attrs }) => ({ type, attributes: attrs })),
    cachedSteps: record.numCachedSteps,
    completedSteps: record.numCompletedSteps,
    totalSteps: record.numTotalSteps,
    warnings: record.numWarnings,
    generation: record.generation,
    pinned: record.pinned,
    log: blobOf(record.logs),
    trace: blobOf(record.trace),
    results: results.map(([platform, result]) => ({
      platform,
      attestations: result.attestations.map(recordedBlob),
      images: Object.entries(result.results).map(([output, image]) => ({
        output: Number(output),
        ...recordedBlob(image),
      })),
      image: blobOf(result.resultDeprecated),
    })),
  };
}

const recordedBlob = ({ mediaType, digest, size, annotations }: Descriptor): RecordedBlob => ({
  mediaType,
  digest,
  size: Number(size),
  annotations,
});

const blobOf = (descriptor: Descriptor | undefined) => descriptor && recordedBlob(descriptor);

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

/** Throws a BuildError where there is none. */
export const removeBuild = (connection: Connection, ref: string): Promise<void> =>
  update(connection, { ref, delete: true });

/** Waits until all of it is kept, its trace too. */
export const finalizeBuild = (connection: Connection, ref: string): Promise<void> =>
  update(connection, { ref, finalize: true });

async function update(
  connection: Connection,
  change: { ref: string; delete?: boolean; finalize?: boolean },
): Promise<void> {
  await using builder = await openBuilder(connection);
  try {
    await builder.control.updateBuildHistory(change);
  } catch (thrown) {
    throw buildError(thrown);
  }
}

/** Why a build of the history failed, with the places in the Dockerfile. */
export async function recordedFailure(connection: Connection, digest: string): Promise<BuildError> {
  const { code, message, details } = fromBinary(StatusSchema, await readBlob(connection, digest));
  const error = new ConnectError(message, code as Code);
  error.details = details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return buildError(error) as BuildError;
}

/** A blob of a build's record: an attestation, a log. Throws a BuildError of code 5 where it is gone. */
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

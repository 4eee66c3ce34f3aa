// BuildKit's service Control: what docker build, buildx and Compose ask of a builder.
import type { ServiceImpl } from "@connectrpc/connect";
import type { Control, PruneRequest, SolveRequest } from "../../buildkit/messages/control_pb.ts";
import { entryOf } from "../cache/remote/options.ts";
import type { Usage } from "../cache/usage.ts";
import { readAttestations } from "../export/attestations/index.ts";
import { serveSessionStream } from "../session/session-stream.ts";
import type { StepResources } from "../types.ts";
import type { Builder, BuildRequest } from "./builder.ts";
import { toConnectError } from "./failures.ts";
import { timestamp } from "./status-messages.ts";
import { workerRecord } from "./worker-record.ts";

export function controlService(builder: Builder): ServiceImpl<typeof Control> {
  return {
    async solve(request, { signal }) {
      try {
        return { exporterResponse: await builder.run(buildRequest(request, signal)) };
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    },
    async *status({ ref }, { signal, responseHeader }) {
      responseHeader.set(CURRENT_TIME, clock());
      yield* inConnectErrors(builder.status(ref, signal));
    },
    async *session(incoming, { requestHeader }) {
      try {
        yield* serveSessionStream(builder.sessions, incoming, requestHeader);
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    },
    listWorkers: () => ({ record: [workerRecord(builder.host)] }),
    info: () => ({ buildkitVersion: workerRecord(builder.host).buildkitVersion }),
    async diskUsage({ filter }) {
      try {
        return { record: (await builder.usage(filter)).map(usageOf) };
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    },
    async *prune(request) {
      yield* await pruned(builder, request);
    },
    async *listenBuildHistory({ filter, ...query }, { signal, responseHeader }) {
      responseHeader.set(CURRENT_TIME, clock());
      yield* inConnectErrors(builder.history.listen({ ...query, filters: filter }, signal));
    },
    async updateBuildHistory({ ref, pinned, delete: isDeleted, finalize }) {
      try {
        if (isDeleted) await builder.history.remove(ref);
        // What is finalized is the trace; there is none.
        else if (finalize) await builder.history.settled();
        else await builder.history.pin(ref, pinned);
        return {};
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    },
  };
}

/** The daemon's clock in a header: clients say by it how long a build has been running. */
const CURRENT_TIME = "buildkit-current-timestamp";

const clock = (): string => new Date().toISOString();

async function* inConnectErrors<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw toConnectError(thrown);
  }
}

async function pruned(builder: Builder, request: PruneRequest) {
  try {
    const removed = await builder.prune({
      all: request.all,
      filters: request.filter,
      keepFor: Number(request.keepDuration) / 1e6,
      reservedSpace: Number(request.reservedSpace),
      maxUsedSpace: Number(request.maxUsedSpace),
      minFreeSpace: Number(request.minFreeSpace),
    });
    return removed.map(usageOf);
  } catch (thrown) {
    throw toConnectError(thrown);
  }
}

function usageOf(record: Usage) {
  return {
    id: record.id,
    mutable: record.mutable,
    inUse: record.inUse,
    size: BigInt(record.size),
    parents: record.parents,
    createdAt: timestamp(Date.parse(record.createdAt)),
    lastUsedAt: timestamp(Date.parse(record.lastUsedAt)),
    usageCount: BigInt(record.usageCount),
    description: record.description,
    recordType: record.type,
    shared: record.shared,
  };
}

function buildRequest(request: SolveRequest, signal: AbortSignal): BuildRequest {
  const { frontend, definition } = request;
  const exporters = request.exporters.map(({ type, attrs }) => ({ type, attributes: attrs }));
  if (exporters.length === 0 && request.exporterDeprecated)
    exporters.push({ type: request.exporterDeprecated, attributes: request.exporterAttrsDeprecated });
  return {
    ref: request.ref,
    // Questions to a frontend are no builds.
    ...(!request.internal && { record: { frontend, attributes: request.frontendAttrs } }),
    session: request.session,
    inputs: request.frontendInputs,
    exporters,
    attestations: readAttestations(request.frontendAttrs),
    entitlements: request.entitlements,
    resources: resourcesOf(request.frontendAttrs),
    cacheExports: (request.cache?.exports ?? []).map(entryOf),
    signal,
    ...(frontend && {
      run: (job) => job.runFrontend(frontend, request.frontendAttrs, request.frontendInputs),
    }),
    ...(!frontend &&
      definition && {
        run: async (job) => {
          job.importCaches((request.cache?.imports ?? []).map(entryOf));
          return { refs: new Map([["", job.refOf(definition)]]), metadata: new Map() };
        },
      }),
  };
}

/** What a build's options say of its steps; `ulimit` and `cgroup-parent` are in the operations. */
export function resourcesOf(options: Readonly<Record<string, string>>): StepResources {
  const shm = Number(options["shm-size"] ?? 0);
  return shm > 0 ? { shmSize: shm } : {};
}

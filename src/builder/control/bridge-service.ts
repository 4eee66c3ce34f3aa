// BuildKit's service LLBBridge: a client (buildx) drives a build that runs. The header says which.
import { create } from "@bufbuild/protobuf";
import { type Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { invalid } from "../../base/errors.ts";
import { type FileStat, toText } from "../../buildkit/file-sync/index.ts";
import {
  type LLBBridge,
  type ReadDirRequest,
  type Result,
  ResultSchema,
  type SolveRequest,
  type StatFileRequest,
} from "../../buildkit/messages/gateway_pb.ts";
import type { Platform } from "../../buildkit/messages/ops_pb.ts";
import { withFolder } from "../../linux/files.ts";
import { entryOf } from "../cache/remote/options.ts";
import { readIn, statAllIn, statIn } from "../solver/read-tree.ts";
import { resolveLayout } from "../sources/layout.ts";
import type { Builder } from "./builder.ts";
import { bridgeCapabilities, llbCapabilities } from "./capabilities.ts";
import { toConnectError } from "./failures.ts";
import type { Job, JobResult, ResultRef } from "./job.ts";
import { workerRecord } from "./worker-record.ts";

const BUILD_HEADER = "buildkit-controlapi-buildid";

type Served = Partial<ServiceImpl<typeof LLBBridge>>;

/** What isn't here is answered by UNIMPLEMENTED. */
export function bridgeService(builder: Builder): Served {
  const jobOf = (context: HandlerContext) =>
    builder.job(context.requestHeader.get(BUILD_HEADER) ?? "", context.signal);
  const serve =
    <Q, A>(work: (job: Job, request: Q, signal: AbortSignal) => Promise<A> | A) =>
    async (request: Q, context: HandlerContext): Promise<A> => {
      try {
        const job = await jobOf(context);
        return await job.attempt(() => work(job, request, context.signal));
      } catch (thrown) {
        throw toConnectError(thrown);
      }
    };
  return {
    ping: () => ({
      frontendApiCaps: bridgeCapabilities(),
      llbCaps: llbCapabilities(),
      workers: [workerRecord(builder.host)],
    }),
    solve: serve(async (job, request: SolveRequest) => await solve(job, request)),
    return: serve(
      (job, { result, error }: { result?: Result; error?: { code: number; message: string } }) => {
        if (error && error.code !== 0)
          job.returned.reject(job.failureOf(new ConnectError(error.message, error.code as Code)));
        else job.returned.resolve(returned(job, result));
        return {};
      },
    ),
    evaluate: serve(async (job, { ref }: { ref: string }) => {
      await job.evaluate(job.find(ref));
      return {};
    }),
    readFile: serve(async (job, { ref, filePath, range }: ReadFile) => {
      const all = await readOf(job, ref, (root) => readIn(root, filePath));
      const from = Number(range?.offset ?? 0n);
      const length = Number(range?.length ?? 0n);
      return { data: length > 0 ? all.subarray(from, from + length) : all.subarray(from) };
    }),
    readDir: serve(async (job, { ref, dirPath, includePattern }: ReadDirRequest) => ({
      entries: (await readOf(job, ref, (root) => statAllIn(root, dirPath, includePattern))).map(statMessage),
    })),
    statFile: serve(async (job, { ref, path }: StatFileRequest) => ({
      stat: statMessage(await readOf(job, ref, (root) => statIn(root, path))),
    })),
    inputs: serve((job) => ({ definitions: { ...job.inputs } })),
    resolveImageConfig: serve(async (job, { ref, platform, resolveMode, logName }: ResolveConfig) => {
      const image = await resolve(job, { ref, platform, resolveMode, logName });
      return { digest: image.root, config: image.configBytes, ref };
    }),
    resolveSourceMeta: serve(async (job, request: ResolveMeta) => {
      const identifier = request.source?.identifier ?? "";
      const [, scheme, ref = ""] = /^([a-z-]+):\/\/(.*)$/s.exec(identifier) ?? [];
      const source = { ...(request.source && { source: request.source }) };
      if (scheme !== "docker-image" && scheme !== "oci-layout") return source;
      const image = await (scheme === "docker-image"
        ? resolve(job, { ...request, ref })
        : resolveOfClient(job, request, ref));
      return { ...source, image: { digest: image.root, config: image.configBytes } };
    }),
    warn: serve((job, request: Warning) => {
      job.progress.tell({
        kind: "warning",
        vertex: "",
        level: Number(request.level),
        short: Buffer.from(request.short).toString(),
        detail: request.detail.map((line) => Buffer.from(line).toString()),
        url: request.url,
        ranges: request.ranges.map(({ start, end }) => ({ start: start?.line ?? 0, end: end?.line ?? 0 })),
      });
      return {};
    }),
  };
}

const statMessage = ({ size, modTime, devmajor, devminor, xattrs, ...stat }: FileStat) => ({
  ...stat,
  path: toText(stat.path),
  linkname: toText(stat.linkname),
  size: BigInt(size),
  modTime,
  devmajor: BigInt(devmajor),
  devminor: BigInt(devminor),
  xattrs: Object.fromEntries(xattrs ?? []),
});

interface ReadFile {
  ref: string;
  filePath: string;
  range?: { offset: bigint; length: bigint };
}
interface ResolveConfig {
  ref: string;
  platform?: Platform;
  resolveMode: string;
  logName: string;
}
interface ResolveMeta extends Omit<ResolveConfig, "ref"> {
  source?: { identifier: string; attrs: Record<string, string> };
}
interface Warning {
  level: bigint;
  short: Uint8Array;
  detail: Uint8Array[];
  url: string;
  ranges: { start?: { line: number }; end?: { line: number } }[];
}

async function solve(job: Job, request: SolveRequest) {
  job.importCaches(request.cacheImports.map(entryOf));
  const result = request.frontend
    ? await job.runFrontend(request.frontend, request.frontendOpt, request.frontendInputs)
    : { refs: new Map([["", job.refOf(request.definition)]]), metadata: new Map<string, Uint8Array>() };
  if (request.evaluate) for (const ref of result.refs.values()) await job.evaluate(ref);
  return { result: resultMessage(result) };
}

function resultMessage({ refs, metadata }: JobResult): Result {
  const message = (ref: ResultRef | undefined) => ({
    id: ref?.id ?? "",
    ...(ref?.definition && { def: ref.definition }),
  });
  const [only] = refs;
  const single = refs.size <= 1 && (only === undefined || only[0] === "");
  return create(ResultSchema, {
    result: single
      ? { case: "ref", value: message(only?.[1]) }
      : {
          case: "refs",
          value: { refs: Object.fromEntries([...refs].map(([platform, ref]) => [platform, message(ref)])) },
        },
    metadata: Object.fromEntries(metadata),
  });
}

function returned(job: Job, result: Result | undefined): JobResult {
  const refs = new Map<string, ResultRef | undefined>();
  const value = result?.result;
  if (value?.case === "ref") refs.set("", job.find(value.value.id));
  else if (value?.case === "refs")
    for (const [platform, { id }] of Object.entries(value.value.refs)) refs.set(platform, job.find(id));
  else if (value?.case === "refDeprecated") refs.set("", job.find(value.value));
  return { refs, metadata: new Map(Object.entries(result?.metadata ?? {})) };
}

async function readOf<T>(job: Job, id: string, read: (root: number) => T): Promise<T> {
  const ref = await job.evaluate(job.find(id));
  if (!ref) throw invalid("a part without files can't be read");
  await using view = await ref.view();
  return withFolder(view.path, read);
}

async function resolveOfClient(job: Job, { source, platform, logName }: ResolveMeta, reference: string) {
  const session = await job.session(source?.attrs["oci.session"] || undefined);
  return await job.shown(logName || `resolve image config for oci-layout://${reference}`, () =>
    resolveLayout(job.host.store, session, {
      reference,
      store: source?.attrs["oci.store"] ?? "",
      platform: platform ? plain(platform) : job.host.environment.platform,
      lease: job.options.lease,
      signal: job.signal,
    }),
  );
}

const plain = ({ os, architecture, variant }: Platform) => ({
  os,
  architecture,
  ...(variant && { variant }),
});

function resolve(job: Job, { ref, platform, resolveMode, logName }: ResolveConfig) {
  return job.shown(logName || `resolve image config for docker-image://${ref}`, () =>
    job.host.images.resolve(ref, platform ? plain(platform) : job.host.environment.platform, {
      mode: resolveMode === "pull" || resolveMode === "local" ? resolveMode : "default",
      auth: (host) => job.credentials(host),
      progress: () => {},
      signal: job.signal,
    }),
  );
}

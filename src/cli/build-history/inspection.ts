// Everything that is known of one remembered build, in buildx's structure (docker/buildx commands/history/inspect.go).

import { isAbsolute, join, relative } from "node:path";
import { notGoBoolean } from "../../base/go-boolean.ts";
import type { BuildRecord, Client, Instant } from "../../sdk/index.ts";
import { excerpt } from "../build-progress/excerpt.ts";
import { parsePlatform } from "../platform.ts";
import { attachmentsOf } from "./attachments.ts";
import type { LocalState } from "./local-state.ts";
import { buildName } from "./names.ts";
import { isProvenance } from "./provenance.ts";
import { stepOutput } from "./step-output.ts";

export interface KeyValue {
  Name: string;
  Value: string;
}

export interface InspectedError {
  Code: number;
  Message: string;
  /** The step's, and what it put out last. */
  Name: string;
  Logs: string[];
  /** Excerpts of the Dockerfile. */
  Sources: string;
  Stack: string;
}

export interface Inspection {
  Name: string;
  Ref: string;
  Context: string;
  Dockerfile: string;
  VCSRepository: string;
  VCSRevision: string;
  Target: string;
  Platform: string[];
  KeepGitDir: boolean;
  NamedContexts: KeyValue[];
  StartedAt: Instant;
  CompletedAt?: Instant;
  /** Nanoseconds. */
  Duration: bigint;
  Status: "running" | "completed" | "failed" | "canceled";
  Error?: InspectedError;
  NumCompletedSteps: number;
  NumTotalSteps: number;
  NumCachedSteps: number;
  BuildArgs: KeyValue[];
  Labels: KeyValue[];
  Config: InspectedConfig;
  Materials: { URI: string; Digests: string[] }[];
  Attachments: { Digest: string; Platform: string; Type: string }[];
  Errors: string[];
}

export interface InspectedConfig {
  Network: string;
  ExtraHosts: string[];
  Hostname: string;
  CgroupParent: string;
  ImageResolveMode: string;
  MultiPlatform: boolean;
  NoCache: boolean;
  NoCacheFilter: string[];
  ShmSize: string;
  Ulimit: string;
  CacheMountNS: string;
  DockerfileCheckConfig: string;
  SourceDateEpoch: string;
  SandboxHostname: string;
  RestRaw: KeyValue[];
}

/** Attributes that are told of elsewhere, or of nobody's interest. */
const OTHERS = ["vcs:", "build-arg:", "label:", "context:", "attest:"];
/** Lines of a failed step. */
const LINES = 16;
const CANCELED = 1;

export async function inspectBuild(
  client: Client,
  record: BuildRecord,
  state: LocalState | undefined,
): Promise<Inspection> {
  const rest = new Map(Object.entries(record.attributes));
  const errors: string[] = [];
  rest.delete("frontend.caps");
  const place = placeOf(rest, state);
  const take = (name: string): string => {
    const value = rest.get(name) ?? "";
    rest.delete(name);
    return value;
  };
  const isTrue = (name: string): boolean => truth(rest.has(name) ? take(name) : undefined, errors);
  const attachments = await attachmentsOf(client, record);
  const error = await errorOf(client, record);
  return {
    Name: buildName(record.attributes, state),
    Ref: record.ref,
    ...place,
    ...repositoryOf(rest),
    Target: take("target"),
    Platform: platformsOf(take("platform"), errors),
    KeepGitDir: isTrue("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"),
    NamedContexts: valuesOf(rest, "context:"),
    StartedAt: record.created,
    ...(record.completed !== undefined && { CompletedAt: record.completed }),
    Duration: (record.completed ?? BigInt(Date.now()) * 1_000_000n) - record.created,
    Status: statusOf(record),
    ...(error && { Error: error }),
    NumCompletedSteps: record.completedSteps,
    NumTotalSteps: record.totalSteps,
    NumCachedSteps: record.cachedSteps,
    BuildArgs: valuesOf(rest, "build-arg:"),
    Labels: valuesOf(rest, "label:"),
    Config: configOf(rest, take, isTrue),
    Materials: await materialsOf(client, record),
    Attachments: attachments.map(({ blob, platform, type }) => ({
      Digest: blob.digest,
      Platform: platform,
      Type: type,
    })),
    Errors: errors,
  };
}

/** Paths are shown from where the person stands, or from the context, where they are below. */
function placeOf(rest: Map<string, string>, state: LocalState | undefined) {
  let context = state?.LocalPath ?? "";
  let dockerfile = state?.DockerfilePath ?? "";
  if (dockerfile !== "" && dockerfile !== "-") dockerfile = below(context, dockerfile);
  if (context !== "") context = below(process.cwd(), context);
  if (context === "") {
    context = rest.get("context") ?? "";
    rest.delete("context");
  }
  if (dockerfile === "" && rest.has("filename"))
    dockerfile = join(rest.get("vcs:localdir:dockerfile") ?? "", rest.get("filename") ?? "");
  rest.delete("filename");
  return { Context: context, Dockerfile: dockerfile };
}

function below(folder: string, path: string): string {
  if (isAbsolute(folder) !== isAbsolute(path)) return path;
  const way = relative(folder, path) || ".";
  return way.startsWith("../") ? path : way;
}

function repositoryOf(rest: Map<string, string>) {
  const isLocal = !rest.has("context");
  return {
    VCSRepository: (isLocal && rest.get("vcs:source")) || "",
    VCSRevision: (isLocal && rest.get("vcs:revision")) || "",
  };
}

function platformsOf(text: string, errors: string[]): string[] {
  if (text === "") return [];
  try {
    return text.split(",").map((one) => {
      const { os, architecture, variant } = parsePlatform(one);
      const isUsual = architecture === "arm64" && variant === "v8";
      return [os, architecture, isUsual ? "" : variant].filter(Boolean).join("/");
    });
  } catch (thrown) {
    errors.push(`failed to parse ${text}: (${thrown instanceof Error ? thrown.message : String(thrown)})`);
    return [];
  }
}

function truth(text: string | undefined, errors: string[]): boolean {
  if (text === undefined || /^(?:0|f|false)$/i.test(text)) return false;
  if (/^(?:1|t|true)$/i.test(text)) return true;
  errors.push(`failed to parse ${text}: (${notGoBoolean(text)})`);
  return false;
}

function valuesOf(rest: Map<string, string>, prefix: string): KeyValue[] {
  return [...rest]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => ({ Name: name.slice(prefix.length), Value: value }))
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function configOf(
  rest: Map<string, string>,
  take: (name: string) => string,
  isTrue: (name: string) => boolean,
): InspectedConfig {
  const [named, asked] = [isTrue("build-arg:BUILDKIT_MULTI_PLATFORM"), isTrue("multi-platform")];
  const isUncached = rest.has("no-cache");
  const uncached = take("no-cache");
  const config = {
    Network: take("force-network-mode"),
    ExtraHosts: take("add-hosts").split(",").filter(Boolean),
    Hostname: take("hostname"),
    CgroupParent: take("cgroup-parent"),
    ImageResolveMode: take("image-resolve-mode"),
    MultiPlatform: named || asked,
    NoCache: isUncached && uncached === "",
    NoCacheFilter: uncached === "" ? [] : uncached.split(","),
    ShmSize: take("shm-size"),
    Ulimit: take("ulimit"),
    CacheMountNS: take("build-arg:BUILDKIT_CACHE_MOUNT_NS"),
    DockerfileCheckConfig: take("build-arg:BUILDKIT_DOCKERFILE_CHECK"),
    SourceDateEpoch: take("build-arg:SOURCE_DATE_EPOCH"),
    SandboxHostname: take("build-arg:SANDBOX_HOSTNAME"),
  };
  const others = [...rest].filter(([name]) => !OTHERS.some((prefix) => name.startsWith(prefix)));
  return {
    ...config,
    RestRaw: others.map(([Name, Value]) => ({ Name, Value })).sort((a, b) => (a.Name < b.Name ? -1 : 1)),
  };
}

function statusOf({ completed, error, errorCode }: BuildRecord): Inspection["Status"] {
  if (error !== undefined) return errorCode === CANCELED ? "canceled" : "failed";
  return completed === undefined ? "running" : "completed";
}

async function errorOf(client: Client, record: BuildRecord): Promise<InspectedError | undefined> {
  const { error, errorCode = 0, ref } = record;
  const failure = await client.builder.failure(record);
  if (error === undefined && !failure) return undefined;
  const step = failure?.vertex
    ? await stepOutput(client, ref, failure.vertex, LINES)
    : { name: "", lines: [] };
  return {
    Code: errorCode,
    Message: error ?? "",
    Name: step.name,
    Logs: step.lines,
    Sources: (failure?.sources ?? []).map((source) => `${excerpt(source)}\n`).join(""),
    Stack: failure?.message ?? "",
  };
}

interface Material {
  uri?: string;
  digest?: Record<string, string>;
}

async function materialsOf(client: Client, { results }: BuildRecord): Promise<Inspection["Materials"]> {
  const provenance = results.flatMap(({ attestations }) => attestations).find(isProvenance);
  if (!provenance) return [];
  const predicate = JSON.parse(Buffer.from(await client.builder.blob(provenance.digest)).toString()) as {
    materials?: Material[];
    buildDefinition?: { resolvedDependencies?: Material[] };
  };
  const found = predicate.materials ?? predicate.buildDefinition?.resolvedDependencies ?? [];
  return found.map(({ uri = "", digest = {} }) => ({
    URI: uri,
    Digests: Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}`),
  }));
}

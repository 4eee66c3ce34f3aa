// A build as a program asks for it, what it hears while the build goes on, and what it gets.
import type { RegistryAuth } from "../images.ts";

/** Where a build's files come from. */
export type BuildContext =
  /** A folder of this host: only what a step uses is sent, and only what changed. */
  | { kind: "folder"; path: string }
  /** A tar archive, plain or compressed. */
  | { kind: "archive"; data: AsyncIterable<Uint8Array> }
  /** A git repository (`https://host/repo.git#ref:folder`) or an address of an archive; the daemon fetches it. */
  | { kind: "remote"; address: string }
  | { kind: "empty" };

export type DockerfileSource =
  /** A file of this host. Its name alone decides about `NAME.dockerignore`. */
  | { kind: "file"; path: string }
  | { kind: "text"; text: string | Uint8Array }
  /** A file of the context. */
  | { kind: "in-context"; path: string }
  /** An address (`https://…`) that the daemon fetches. */
  | { kind: "address"; address: string };

export interface SecretSource {
  file?: string;
  env?: string;
  data?: Uint8Array;
}

/** A cache to read from or to write to: `{ type: "registry", attributes: { ref: "user/app:cache" } }`. */
export interface CacheSpec {
  type: string;
  attributes: Record<string, string>;
}

/** What becomes of the result. */
export interface BuildOutput {
  /** `image` (kept by the daemon), `local`, `tar`, `oci`, `docker`, or `cacheonly`. */
  type: string;
  attributes: Record<string, string>;
  /** The folder of `local`, and of `oci` and `docker` with `tar=false`. */
  folder?: string;
  /** Gets the archive of `tar`, `oci` and `docker`; opened when its first byte comes. */
  file?: () => ArchiveSink;
}

export interface ArchiveSink {
  write(chunk: Uint8Array): unknown;
  close(): unknown;
}

export interface BuildSpec {
  context: BuildContext;
  /** Default: `Dockerfile` in the context. */
  dockerfile?: DockerfileSource;
  /** Named contexts: a folder, an address, `docker-image://…`, `oci-layout://…`. */
  contexts?: Record<string, string>;
  args?: Record<string, string>;
  labels?: Record<string, string>;
  tags?: string[];
  target?: string;
  /** `linux/arm64`; several make one index. */
  platforms?: string[];
  /** True: nothing comes from the cache; a list: not for these stages. */
  noCache?: boolean | string[];
  /** Asks registries for base images that are here, too. */
  pull?: boolean;
  /** Default: an image of the daemon's. */
  outputs?: BuildOutput[];
  cacheFrom?: CacheSpec[];
  cacheTo?: CacheSpec[];
  secrets?: Record<string, SecretSource>;
  /** An id, and the agent's socket or the private keys for it; an empty list is SSH_AUTH_SOCK. */
  ssh?: Record<string, string[]>;
  /** For RUN: `host`, `none`, or the default. */
  network?: string;
  /** `name=address`; the address may be `host-gateway`. */
  extraHosts?: string[];
  /** Bytes. */
  shmSize?: number;
  /** `nofile=1024:2048`. */
  ulimits?: string[];
  cgroupParent?: string;
  /** Entitlements: `network.host`, `security.insecure`. */
  allow?: string[];
  /** By type (`sbom`, `provenance`): the parameters, or false for none. */
  attestations?: Record<string, string | false>;
  /** Doesn't build, but asks the frontend: `lint`, `outline`, `targets`. */
  call?: string;
  /** More for the frontend, as it is. */
  attributes?: Record<string, string>;
  /** Several builds that name the same one send only what changed since; made of the folder's name unless given. */
  sharedKey?: string;
  /** The build's name in the daemon's history; made up unless given. */
  ref?: string;
  /** What is known for a registry's host (`registry-1.docker.io` is Docker Hub). */
  credentials?: (host: string) => Promise<RegistryAuth | undefined>;
  onEvent?: (event: BuildEvent) => void;
  signal?: AbortSignal;
}

/** Nanoseconds since 1970. */
export type Instant = bigint;

/** A step of a build. It comes again whenever it changes. */
export interface BuildVertex {
  digest: string;
  inputs: string[];
  name: string;
  started?: Instant;
  completed?: Instant;
  cached: boolean;
  error: string;
  /** Steps of the same group are shown as one. */
  group?: { id: string; name: string; weak: boolean };
}

/** A part of a step that moves: a layer that comes, a folder that goes. */
export interface BuildStatus {
  id: string;
  vertex: string;
  name: string;
  current: number;
  total: number;
  timestamp: Instant;
  started?: Instant;
  completed?: Instant;
}

export interface BuildLog {
  vertex: string;
  /** 1: standard output, 2: standard error. */
  stream: number;
  data: Uint8Array;
  timestamp: Instant;
}

export interface BuildWarning {
  vertex: string;
  level: number;
  short: string;
  detail: string[];
  url: string;
  source?: SourceInfo;
  ranges: Range[];
}

/** What happened since the event before. */
export interface BuildEvent {
  vertexes: BuildVertex[];
  statuses: BuildStatus[];
  logs: BuildLog[];
  warnings: BuildWarning[];
}

export interface BuildResult {
  ref: string;
  /** `containerimage.digest`, `containerimage.config.digest`, `image.name` and what else exporters say; of a call its `result.json`. */
  response: Record<string, string>;
}

/** Something that the builder keeps, to build faster. */
export interface CacheRecord {
  id: string;
  mutable: boolean;
  inUse: boolean;
  /** Bytes. */
  size: number;
  parents: string[];
  created: Instant;
  lastUsed?: Instant;
  usageCount: number;
  description: string;
  /** `regular`, `source.local`, `exec.cachemount`, … */
  type: string;
  /** Other things have the same bytes. */
  shared: boolean;
}

/** What is removed; of several conditions all hold. */
export interface CachePruning {
  /** What builds of now would still use, too. */
  all?: boolean;
  /** In BuildKit's form: `type==regular`. */
  filters?: string[];
  /** Nanoseconds without a use. */
  unusedFor?: number;
  /** Bytes that are always kept, that are kept at most, and that shall be free on the disk. */
  reservedSpace?: number;
  maxUsedSpace?: number;
  minFreeSpace?: number;
}

export interface BuilderWorker {
  id: string;
  labels: Record<string, string>;
  version: string;
  platforms: string[];
  /** What is removed by itself, in this order. Nanoseconds and bytes. */
  policies: Array<{
    all: boolean;
    filters: string[];
    keepDuration: number;
    reservedSpace: number;
    maxUsedSpace: number;
    minFreeSpace: number;
  }>;
}

export interface HistoryQuery {
  ref?: string;
  /** In BuildKit's form: `status==error`. */
  filters?: string[];
  limit?: number;
}

/** A blob that the record of a build names. */
export interface RecordedBlob {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  annotations: Record<string, string>;
}

/** A build that the daemon remembers. */
export interface BuildRecord {
  ref: string;
  frontend: string;
  /** What the frontend was asked for. */
  attributes: Record<string, string>;
  error?: string;
  /** gRPC's, with the error. */
  errorCode?: number;
  /** The error with all that the daemon knew of it; `Builder.failure` reads it. */
  failure?: RecordedBlob;
  created: Instant;
  /** Undefined while it runs. */
  completed?: Instant;
  response: Record<string, string>;
  outputs: Array<{ type: string; attributes: Record<string, string> }>;
  cachedSteps: number;
  completedSteps: number;
  totalSteps: number;
  warnings: number;
  /** How often it was changed since. */
  generation: number;
  /** It doesn't go by itself. */
  pinned: boolean;
  log?: RecordedBlob;
  trace?: RecordedBlob;
  /** By platform, empty where the build was for one alone. */
  results: Array<{
    platform: string;
    attestations: RecordedBlob[];
    /** Images, by the numbers of their outputs. */
    images: Array<RecordedBlob & { output: number }>;
    /** The first one. */
    image?: RecordedBlob;
  }>;
}

/** A part of a file that an error is about. */
export interface ErrorSource {
  file: string;
  text: string;
  /** Lines, from 1, both included. */
  ranges: Array<{ start: number; end: number }>;
}

/** A file that something is said about. */
export interface SourceInfo {
  filename: string;
  data: Uint8Array;
  language: string;
}

/** A part of a file: lines from 1, characters from 0. */
export interface Range {
  start?: Position;
  end?: Position;
}

export interface Position {
  line: number;
  character: number;
}

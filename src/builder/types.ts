// The builder. Terms, as in BuildKit:
//
//   frontend    turns what a person wrote (a Dockerfile) into a graph
//   definition  a graph as it travels: encoded operations (LLB), each named by the digest of its bytes
//   vertex      one operation of a graph, with its inputs
//   edge        one output of a vertex: a tree of files
//   ref         an edge that a build has asked for: its cache key, and, once somebody needs it, its snapshot
//   cache key   what an edge's content follows from; equal keys, equal content
//   record      what the cache keeps of a vertex that ran: its keys, its snapshots
//   exporter    turns refs into what the person wanted: an image, an archive, a folder
//   session     a client's connection back, by which its files, secrets and credentials are asked for
//
// The solver knows only graphs. What needs other rooms (images, the network of a step) it is given: BuildHost.

import type { HostEnvironment } from "../base/environment.ts";
import type { Meta, NetMode, SecurityMode } from "../buildkit/messages/ops_pb.ts";
import type { ChainId, Digest } from "../oci/digest.ts";
import type { Descriptor, ImageConfig, Platform } from "../oci/types.ts";
import type { RegistryAuth, RegistrySettings } from "../registry/types.ts";
import type { PathSelector } from "../store/index.ts";
import type { LeaseId, SnapshotId, Store } from "../store/types.ts";
import type { Attestation } from "./export/attestations/types.ts";

/** What the builder is given of the rooms beside it, by engine/. */
export interface BuildHost {
  readonly store: Store;
  readonly environment: HostEnvironment;
  readonly registrySettings: RegistrySettings;
  /** What a build may be granted: `network.host`, `security.insecure`. */
  readonly entitlements: readonly string[];
  readonly cacheBounds: CacheBounds;
  readonly images: ImageAccess;
  readonly steps: StepRunner;
  /** What `host-gateway` means in extra hosts: clients put the address in its place themselves. */
  hostGateways(): readonly string[];
  /** Aborted when the daemon ends. */
  readonly closing: AbortSignal;
  /** Work that nobody waits for but the daemon's end. */
  background(name: string, work: () => Promise<unknown>): void;
}

/** Bytes of the cache that stay in any case; the most that stays; what the disk is to have free. 0: not said. */
export interface CacheSpace {
  reservedSpace: number;
  maxUsedSpace: number;
  minFreeSpace: number;
}

/** What is to go of the cache. */
export interface PruneRequest extends CacheSpace {
  /** Records of frontends and of images too. */
  all: boolean;
  /** Each a conjunction of terms, `type==regular,unused-for=24h`; any of them. */
  filters: readonly string[];
  /** Milliseconds: what was used since stays. */
  keepFor: number;
}

/** What of the cache goes by itself after a build. */
export interface CacheBounds {
  /** For the usual policies; all 0: parts of the disk's size. */
  defaults: CacheSpace;
  /** In the order of their application; undefined: the usual ones. */
  policies?: readonly PruneRequest[];
}

/** The images of this engine, as sources and as what exporters make. */
export interface ImageAccess {
  /**
   * Finds an image for a platform: here, or at its registry as `mode` says (`pull`: always asked; `local` and
   * `default`: where it isn't here, as Docker's builder prefers what it has). Errors: not-found, in the words of Docker's builder.
   */
  resolve(reference: string, platform: Platform, options: ResolveOptions): Promise<BaseImage>;
  /** Its layers as snapshots; brings what isn't here. Held by `lease` after. */
  unpack(image: BaseImage, lease: LeaseId, options: ProgressOptions): Promise<BaseLayer[]>;
  /** Gives an image a name (undefined: untagged), as a build ends; tells of it in events. */
  record(name: string | undefined, target: Descriptor): void;
  /** Sends an image to its registry; under a name without a tag by its digest alone. `insecure`: plain HTTP will do. */
  push(
    name: string,
    target: Descriptor,
    options: ProgressOptions & { auth?: RegistryAuth; insecure: boolean },
  ): Promise<void>;
}

export interface ResolveOptions extends ProgressOptions {
  mode: "local" | "default" | "pull";
  /** Credentials for a registry's host, asked of the client's session. */
  auth(host: string): Promise<RegistryAuth | undefined>;
}

export interface ProgressOptions {
  /** A part of a transfer or an unpacking, by its name: `sha256:… 5.2MB / 10MB`. */
  progress(part: { id: string; action: string; current?: number; total?: number; done?: boolean }): void;
  signal: AbortSignal;
}

/** One platform of a base image. */
export interface BaseImage {
  reference: string;
  /** Digest of what the name leads to: an index or a manifest. */
  root: Digest;
  manifest: Descriptor;
  config: ImageConfig;
  /** The very bytes: frontends pass them on. */
  configBytes: Uint8Array;
  platform: Platform;
  /** Of the stack as its config names it; undefined for an image without layers. */
  chain: ChainId | undefined;
  auth(host: string): Promise<RegistryAuth | undefined>;
}

/** A layer of a stack, lowest first: its snapshot, and its archive as a registry would get it. */
export interface BaseLayer {
  snapshot: SnapshotId;
  blob: LayerBlob;
}

export interface LayerBlob {
  descriptor: Descriptor;
  /** Digest of the archive without its compression. */
  diffId: Digest;
  /** Of a layer that was built here: when. */
  createdAt?: string;
}

/** One step's process, in the isolation of a container. */
export interface StepRequest {
  /** Mounted and writable. */
  rootfs: string;
  mounts: StepMount[];
  meta: Meta;
  network: NetMode;
  security: SecurityMode;
  /** Of the build: `--shm-size`, limits. */
  resources: StepResources;
  platform: Platform;
  output(stream: 1 | 2, chunk: Uint8Array): void;
  signal: AbortSignal;
}

export type StepMount =
  | { type: "bind"; source: string; destination: string; readOnly: boolean }
  | { type: "tmpfs"; destination: string; size: number };

export interface StepResources {
  shmSize?: number;
  memory?: number;
  memorySwap?: number;
  cpuShares?: number;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  ulimits?: { Name: string; Soft: number; Hard: number }[];
  cgroupParent?: string;
}

export interface StepEnd {
  /** Its exit status. */
  code: number;
  oomKilled: boolean;
  /** It never ran: its program is of a machine that the kernel doesn't know ("exec format error"). */
  wrongFormat: boolean;
}

export interface StepRunner {
  /** Runs the process to its end. Nothing of it stays: processes, mounts, devices. */
  run(request: StepRequest): Promise<StepEnd>;
  /** Platforms whose programs run here besides the host's own (binfmt_misc). */
  foreignPlatforms(): Platform[];
}

/** A tree of files that a build made or found. */
export interface Ref {
  /** Cache key of what it is; equal keys, equal content. */
  readonly key: string;
  /** The vertex that it is an output of, for messages and provenance. */
  readonly vertex: Digest | undefined;
  /** Of a base image: what it is known by elsewhere. */
  readonly image?: ImageIdentity;
  /** Runs or brings what isn't here yet. Undefined: nothing (scratch). Held by the build's lease. */
  snapshot(): Promise<SnapshotId | undefined>;
  /** Where its files can be read, until the view is disposed of: a path of ours, mounted read-only. */
  view(): Promise<View>;
  /** Digests of what is at paths in it; one for each selector. Errors: as digestPaths. */
  digests(selectors: PathSelector[]): Promise<string[]>;
}

/** A base image as caches of other daemons count it. */
export interface ImageIdentity {
  /** Of what its name led to, and the platform that was asked for. */
  root: Digest;
  platform: Platform;
  /** Of its layers; undefined: it has none. */
  chain: ChainId | undefined;
  /** So many of its layers, from the lowest on; undefined: all. */
  limit: number | undefined;
}

export interface View extends AsyncDisposable {
  readonly path: string;
}

/** What a frontend answers with: one ref, or one for each platform (by its text, linux/amd64), and remarks for exporters. */
export interface FrontendResult {
  ref?: Ref;
  refs?: Map<string, Ref | undefined>;
  /** `containerimage.config`, `refs.platforms` and their kin, as BuildKit names them. */
  metadata: Map<string, Uint8Array>;
}

/** One platform of a result as exporters see it, everything of it made. */
export interface ExportedPlatform {
  platform: Platform;
  /** `linux/amd64`, as the frontend's metadata names it. */
  id: string;
  ref: Ref | undefined;
  /** From the frontend; rootfs and history not yet fit to the layers. */
  config: ImageConfig | undefined;
  configBytes: Uint8Array | undefined;
  attestations?: readonly Attestation[];
}

/** What the answer to a client says of an export: `containerimage.digest` and its kin. */
export type ExporterResponse = Record<string, string>;

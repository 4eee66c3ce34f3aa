// Containers: the record, its states, and who may change them (state-machine.ts alone).
import type { ContainerConfig, HostConfig, NetworkingConfig, OCIDescriptor } from "../api/types/index.ts";
import type { HostEnvironment } from "../base/environment.ts";
import type { KeyedLock } from "../base/keyed-lock.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/types.ts";
import type { LimitKey } from "../runtime/index.ts";
import type { ExitStatus, Shim } from "../runtime/types.ts";
import type { SnapshotId } from "../store/types.ts";
import type { ResolvedMount } from "../volumes/types.ts";
import type { Execs } from "./execs.ts";
import type { HealthMonitors } from "./health/monitors.ts";
import type { Records } from "./records.ts";
import type { Waiters } from "./waiters.ts";

export type ContainerId = string & { readonly __brand: "ContainerId" };

/**
 * created → running ⇄ paused → exited → running …; restarting: ended, to be started again by its policy;
 * removing: a removal has begun and will be finished, by the next daemon if need be;
 * dead: a removal could not be finished (the reason is in `error`).
 * A container whose shim died is exited with code 255 and the reason in `problem`: nobody saw its status.
 */
export type ContainerState =
  | { status: "created"; error?: string; exitCode?: number }
  | {
      status: "running" | "paused";
      pid: number;
      startedAt: string;
      finishedAt?: string;
      /** Paused, or about to be, for the time of a commit and by nobody else: a daemon that takes it up wakes it. */
      heldForCommit?: true;
    }
  | { status: "restarting"; startedAt: string; exit: ExitStatus; error?: string }
  | {
      status: "exited";
      startedAt: string;
      exit: ExitStatus;
      /** What inspect shows as ExitCode and Error: a start that came to nothing since, or the shim's death. */
      problem?: { exitCode: number; error: string };
    }
  | { status: "removing"; removeVolumes: boolean; startedAt?: string; exit?: ExitStatus }
  | { status: "dead"; startedAt?: string; exit?: ExitStatus; error: string };

export interface ContainerRecord {
  id: ContainerId;
  /** Without the leading slash. */
  name: string;
  createdAt: string;
  state: ContainerState;
  /** As the user wrote it: shown by `ps`. */
  imageName: string;
  /** The image's id (digest of the root descriptor) and the manifest of the platform that was taken. */
  imageId: Digest;
  manifest: Digest;
  manifestDescriptor?: OCIDescriptor;
  platform: Platform;
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
  /** It was connected or disconnected since it was made: `networking` names all of its networks, the mode's too. */
  namedNetworksOnly?: boolean;
  mounts: ResolvedMount[];
  snapshot: SnapshotId;
  /** `--link`: other containers by the names they have in this one; `name` is theirs at that time. */
  links?: { alias: string; id: ContainerId; name: string }[];
  /** What runs: entrypoint and command joined. */
  path: string;
  args: string[];
  restartCount: number;
  /** Milliseconds between its last end and the start by its policy; the next wait follows from it. Absent: there was none. */
  restartWait?: number;
  /** A stop is under way, which kills it then (milliseconds since the epoch), be it under the next daemon. */
  killAt?: number | undefined;
  /** A `stop` or `kill` by a person: the restart policy stays out of it until the next start. */
  stoppedByUser: boolean;
  runtime: string;
  logPath: string;
  /** Limits that are being changed: the kernel may have them otherwise than hostConfig says, until this is gone. */
  updating?: LimitKey[];
}

/** One exec of a container; its row lets the next daemon know it while its container runs. */
export interface ExecRecord {
  id: string;
  containerId: ContainerId;
  config: {
    tty: boolean;
    attachStdin: boolean;
    attachStdout: boolean;
    attachStderr: boolean;
    detachKeys?: string;
    env: string[];
    cmd: string[];
    privileged: boolean;
    user: string;
    workingDir: string;
    consoleSize?: [number, number];
  };
  state: "created" | "running" | "exited";
  exitCode: number | null;
  pid: number;
  /** It is a health check's, which no row is written of. */
  probe?: true;
}

/** One piece of a container's output. A terminal's is all stdout. */
export interface OutputChunk {
  stream: "stdout" | "stderr";
  data: Uint8Array;
}

/** A client's place at a container's (or exec's) streams; the API multiplexes what comes out when there is no terminal. */
export interface Attachment extends AsyncDisposable {
  readonly tty: boolean;
  /** Ends when the program's output ends, or when the client typed the detach keys. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Resolves when it was taken. What comes after the end of the program is dropped. */
  write(data: Uint8Array): Promise<void>;
  /** The client's end of input (its half-close). Ends the program's input only where that was asked (StdinOnce, exec). */
  closeStdin(): void;
}

export interface AttachOptions {
  /** What was logged so far, first. */
  logs: boolean;
  /** Then what comes. */
  stream: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** `ctrl-p,ctrl-q`; undefined: the default; "": none. */
  detachKeys?: string;
}

export interface LogOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** Seconds since the epoch, with fraction as text: `1700000000.000000001`; "" or "0": from the start. */
  since?: string;
  until?: string;
  timestamps: boolean;
  details: boolean;
  /** "all" or a number of lines. */
  tail: string;
}

export interface LogStream {
  readonly tty: boolean;
  /** As the client gets it: bare for a terminal, else each entry behind its header (log-frames.ts). */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** How a container's log is read; undefined: its driver keeps none that could be. */
export type LogSource = { format: "json-file" | "local"; path: string } | { format: "journald" } | undefined;

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Body of POST /containers/ID/exec. */
export interface ExecRequest {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  ConsoleSize?: [number, number] | null;
  DetachKeys?: string;
  Tty?: boolean;
  Env?: string[];
  Cmd?: string[];
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
}

/** Answer of GET /exec/ID/json. */
export interface ExecInspect {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  ProcessConfig: {
    tty: boolean;
    entrypoint: string;
    arguments: string[];
    privileged: boolean;
    user?: string;
  };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  Pid: number;
}

/** A client that attached before the start. */
export interface PendingAttachment {
  connect(shim: Shim): Promise<void>;
  /** There will be no start: its output ends. */
  cancel(): void;
}

/** What happened to a container, for `docker events`: labels, image and name are added where it is published. */
export type EmitContainerEvent = (
  container: ContainerRecord,
  action: string,
  attributes?: Record<string, string>,
) => void;

/** The containers of this daemon. A record of what the functions of this room share; opened by `openContainers`. */
export interface Containers {
  readonly environment: HostEnvironment;
  readonly records: Records;
  readonly waiters: Waiters;
  /** Those that were sent SIGKILL and are waited for: frozen on their way they would never end. */
  readonly dying: Set<ContainerId>;
  /** One change of a container at a time. Held over start, the handling of an exit, and removal; never over a wait for a program. */
  readonly locks: KeyedLock;
  /** The shims that are connected: those of containers that run or are being started. */
  readonly shims: Map<ContainerId, Shim>;
  readonly execs: Execs;
  readonly health: HealthMonitors;
  /** Clients that attached to a container before it was started: they get their streams before its first byte. */
  readonly pendingAttachments: Map<ContainerId, Set<PendingAttachment>>;
  /** Removals that are under way: a second one is refused. */
  readonly removing: Set<ContainerId>;
  readonly emit: EmitContainerEvent;
  /** By full id, name (with or without slash) or unique prefix of an id; throws Docker's "No such container: X". */
  find(reference: string): ContainerRecord;
  get(id: string): ContainerRecord | undefined;
  all(): ContainerRecord[];
}

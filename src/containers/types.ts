// Containers: the record, its states, and who may change them (state-machine.ts alone).
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../api/types/index.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/types.ts";
import type { ExitStatus } from "../runtime/types.ts";
import type { SnapshotId } from "../store/types.ts";
import type { ResolvedMount } from "../volumes/types.ts";

export type ContainerId = string & { readonly __brand: "ContainerId" };

/**
 * created → running ⇄ paused → exited → running …; restarting: ended, to be started again by its policy;
 * removing: a removal has begun and will be finished, by the next daemon if need be;
 * dead: a removal could not be finished, or its shim died and took the exit status along (the reason is in `error`).
 */
export type ContainerState =
  | { status: "created"; error?: string; exitCode?: number }
  | { status: "running" | "paused"; pid: number; startedAt: string; shim: string }
  | { status: "restarting"; startedAt: string; exit: ExitStatus; attempts: number }
  | { status: "exited"; startedAt: string; exit: ExitStatus; error?: string }
  | { status: "removing"; before: string; startedAt?: string; exit?: ExitStatus }
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
  platform: Platform;
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
  mounts: ResolvedMount[];
  snapshot: SnapshotId;
  /** What runs: entrypoint and command joined. */
  path: string;
  args: string[];
  restartCount: number;
  /** A `stop` or `kill` by a person: the restart policy stays out of it until the next start. */
  stoppedByUser: boolean;
  runtime: string;
  logPath: string;
}

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
  running: boolean;
  exitCode: number | null;
  pid: number;
  canRemove: boolean;
}

// The containers of a daemon: create, start, watch, talk to, remove (Engine API, tag Container).
import type {
  ContainerConfig,
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange,
  HostConfig,
  NetworkingConfig,
  OCIPlatform,
} from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";
import { ContainerFiles } from "./container-files.ts";
import type { HijackedStream } from "./hijack.ts";
import { demultiplex, type Frame } from "./streams.ts";

export interface ContainerSpec extends ContainerConfig {
  HostConfig?: HostConfig;
  NetworkingConfig?: NetworkingConfig;
}

export interface AttachOptions {
  stream?: boolean;
  logs?: boolean;
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  detachKeys?: string;
  signal?: AbortSignal;
}

export interface LogOptions {
  stdout?: boolean;
  stderr?: boolean;
  follow?: boolean;
  timestamps?: boolean;
  details?: boolean;
  /** Seconds since 1970 with a fraction, as text. */
  since?: string;
  until?: string;
  /** A number of lines, or `all`. */
  tail?: string;
  signal?: AbortSignal;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export class Containers {
  /** What is in a container: paths, archives out and in, export. */
  readonly files: ContainerFiles;

  constructor(private readonly connection: Connection) {
    this.files = new ContainerFiles(connection);
  }

  list(
    options: { all?: boolean; limit?: number; size?: boolean; filters?: Filters } = {},
  ): Promise<ContainerSummary[]> {
    return this.connection.json("GET", "/containers/json", {
      query: {
        all: options.all,
        limit: options.limit && options.limit > 0 ? options.limit : undefined,
        size: options.size,
        filters: encodeFilters(options.filters),
      },
    });
  }

  create(
    spec: ContainerSpec,
    options: { name?: string; platform?: string } = {},
  ): Promise<ContainerCreateResponse> {
    return this.connection.json("POST", "/containers/create", {
      query: { name: options.name, platform: options.platform },
      json: spec,
    });
  }

  inspect(id: string, options: { size?: boolean } = {}): Promise<ContainerInspectResponse> {
    return this.connection.json("GET", `/containers/${segment(id)}/json`, { query: { size: options.size } });
  }

  start(
    id: string,
    options: { detachKeys?: string; checkpoint?: string; checkpointDir?: string } = {},
  ): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/start`, {
      query: {
        detachKeys: options.detachKeys,
        checkpoint: options.checkpoint,
        "checkpoint-dir": options.checkpointDir,
      },
    });
  }

  /** `timeout` in seconds until the kill; negative waits for ever. */
  stop(id: string, options: { timeout?: number; signal?: string } = {}): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/stop`, {
      query: { t: options.timeout, signal: options.signal },
    });
  }

  restart(id: string, options: { timeout?: number; signal?: string } = {}): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/restart`, {
      query: { t: options.timeout, signal: options.signal },
    });
  }

  kill(id: string, signal = ""): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/kill`, { query: { signal } });
  }
  pause(id: string): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/pause`);
  }
  unpause(id: string): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/unpause`);
  }
  rename(id: string, name: string): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/rename`, { query: { name } });
  }
  resize(id: string, size: { height: number; width: number }): Promise<void> {
    return this.connection.done("POST", `/containers/${segment(id)}/resize`, {
      query: { h: String(size.height), w: String(size.width) },
    });
  }
  remove(id: string, options: { force?: boolean; volumes?: boolean; link?: boolean } = {}): Promise<void> {
    return this.connection.done("DELETE", `/containers/${segment(id)}`, {
      query: { force: options.force, v: options.volumes, link: options.link },
    });
  }
  update(id: string, resources: Partial<HostConfig>): Promise<ContainerUpdateResponse> {
    return this.connection.json("POST", `/containers/${segment(id)}/update`, { json: resources });
  }
  changes(id: string): Promise<FilesystemChange[] | null> {
    return this.connection.json("GET", `/containers/${segment(id)}/changes`);
  }
  top(id: string, psArguments?: string): Promise<ContainerTopResponse> {
    return this.connection.json("GET", `/containers/${segment(id)}/top`, { query: { ps_args: psArguments } });
  }
  stats(
    id: string,
    options: { stream?: boolean; oneShot?: boolean; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<ContainerStatsResponse>> {
    return this.connection.lines("GET", `/containers/${segment(id)}/stats`, {
      query: { stream: String(options.stream ?? true), "one-shot": options.oneShot },
      signal: options.signal,
    });
  }

  /**
   * Waits until the condition holds. Two steps, since what is waited for may happen at once: `registered` resolves
   * when the daemon has taken the wait down, `result` when the condition came true.
   */
  wait(
    id: string,
    options: { condition?: WaitCondition; signal?: AbortSignal } = {},
  ): { registered: Promise<void>; result: Promise<ContainerWaitResponse> } {
    const head = this.connection.request("POST", `/containers/${segment(id)}/wait`, {
      query: { condition: options.condition },
      signal: options.signal,
    });
    const result = head.then(
      async (response) => JSON.parse(await this.connection.textOf(response)) as ContainerWaitResponse,
    );
    result.catch(() => {}); // whoever awaits it hears of it; who left early doesn't have to
    const registered = head.then(() => {});
    registered.catch(() => {});
    return { registered, result };
  }

  /** Attaches to the main process: a byte stream, multiplexed unless the container has a terminal. */
  attach(id: string, options: AttachOptions = {}): Promise<HijackedStream> {
    return this.connection.hijack("POST", `/containers/${segment(id)}/attach`, {
      query: {
        stream: options.stream ?? true,
        logs: options.logs,
        stdin: options.stdin,
        stdout: options.stdout,
        stderr: options.stderr,
        detachKeys: options.detachKeys,
      },
      signal: options.signal,
    });
  }

  /** The log as bytes: raw for a container with a terminal, else multiplexed (see `frames`). */
  logs(id: string, options: LogOptions = {}): Promise<AsyncGenerator<Uint8Array>> {
    return this.connection.bytes("GET", `/containers/${segment(id)}/logs`, {
      query: {
        stdout: options.stdout ?? true,
        stderr: options.stderr ?? true,
        follow: options.follow,
        timestamps: options.timestamps,
        details: options.details,
        since: options.since,
        until: options.until,
        tail: options.tail,
      },
      signal: options.signal,
    });
  }

  /** The log of a container without a terminal, as frames that say which stream they come from. */
  async frames(id: string, options: LogOptions = {}): Promise<AsyncGenerator<Frame>> {
    return demultiplex(await this.logs(id, options));
  }

  prune(filters?: Filters): Promise<{ ContainersDeleted?: string[] | null; SpaceReclaimed?: number }> {
    return this.connection.json("POST", "/containers/prune", { query: { filters: encodeFilters(filters) } });
  }
}

/** `os[/arch[/variant]]` of an OCI platform, as query parameters and messages write it. */
export function formatPlatform(platform: NonNullable<OCIPlatform>): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

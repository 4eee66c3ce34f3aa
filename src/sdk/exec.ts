// Further processes in a running container (Engine API, tag Exec).
import { type Connection, segment } from "./connection.ts";
import type { HijackedStream } from "./hijack.ts";

export interface ExecSpec {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  ConsoleSize?: [height: number, width: number] | null;
  DetachKeys?: string;
  Tty?: boolean;
  Env?: string[];
  Cmd: string[];
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
}

export interface ExecState {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  Pid: number;
  ContainerID: string;
}

export class Execs {
  constructor(private readonly connection: Connection) {}

  async create(container: string, spec: ExecSpec): Promise<string> {
    const { Id } = await this.connection.json<{ Id: string }>(
      "POST",
      `/containers/${segment(container)}/exec`,
      {
        json: spec,
      },
    );
    return Id;
  }

  /** Starts it and leaves it to itself. */
  startDetached(id: string): Promise<void> {
    return this.connection.done("POST", `/exec/${segment(id, "exec")}/start`, { json: { Detach: true } });
  }

  /** Starts it with its streams: raw with a terminal, else multiplexed. */
  start(
    id: string,
    options: { tty?: boolean; consoleSize?: [number, number]; signal?: AbortSignal } = {},
  ): Promise<HijackedStream> {
    return this.connection.hijack("POST", `/exec/${segment(id, "exec")}/start`, {
      json: {
        Detach: false,
        Tty: options.tty ?? false,
        ...(options.consoleSize && { ConsoleSize: options.consoleSize }),
      },
      signal: options.signal,
    });
  }

  inspect(id: string): Promise<ExecState> {
    return this.connection.json("GET", `/exec/${segment(id, "exec")}/json`);
  }

  resize(id: string, size: { height: number; width: number }): Promise<void> {
    return this.connection.done("POST", `/exec/${segment(id, "exec")}/resize`, {
      query: { h: String(size.height), w: String(size.width) },
    });
  }
}

// Clients' sessions: connections back to a client that builds, over which its files, secrets and credentials are asked for
// (BuildKit's session/manager.go has the same part in its daemon). A session lives as long as its connection.
//
// Who may run side by side: a build may ask for a session before it has come, since a client opens both at once.
import type { Duplex } from "node:stream";
import { Arrivals } from "../../base/arrivals.ts";
import { notFound } from "../../base/errors.ts";
import { type GrpcConnection, openGrpc } from "../../buildkit/grpc/index.ts";

export interface Session {
  readonly id: string;
  /** Says which folder on which host it is: equal keys share what was sent before. */
  readonly sharedKey: string;
  readonly grpc: GrpcConnection;
  /** Whether the client serves a method, as `/moby.filesync.v1.FileSync/DiffCopy`. */
  serves(method: string): boolean;
  /** Aborted when the connection has ended. */
  readonly ended: AbortSignal;
}

/** What the client says of itself in the headers of POST /session. */
export interface SessionHeaders {
  id: string;
  name: string;
  sharedKey: string;
  methods: string[];
}

/** How long a build waits for a session that it was told of: milliseconds, as BuildKit does. */
const PATIENCE = 5_000;

export class Sessions {
  private readonly live = new Arrivals<Session>();

  /** Takes a connection; resolves when it has ended. */
  async serve(socket: Duplex, headers: SessionHeaders): Promise<void> {
    const grpc = openGrpc(socket);
    const methods = new Set(headers.methods.map((method) => method.toLowerCase()));
    const ended = new AbortController();
    const session: Session = {
      id: headers.id,
      sharedKey: headers.sharedKey,
      grpc,
      serves: (method) => methods.has(method.toLowerCase()),
      ended: ended.signal,
    };
    this.live.arrive(headers.id, session);
    await grpc.closed;
    this.live.leave(headers.id, session);
    ended.abort(new Error("no active session: the client's connection has ended"));
  }

  /** Errors: not-found when it doesn't come. */
  async get(id: string, signal?: AbortSignal): Promise<Session> {
    // Nobody opens one without an id: such a client has none.
    if (id === "") throw notFound("no active sessions");
    const come = await this.live.wait(id, PATIENCE, signal);
    if (!come) throw notFound(`no active session for ${id}: context deadline exceeded`);
    return come;
  }

  close(): void {
    for (const { grpc } of this.live.values()) grpc.close();
  }
}

// A client's session: the connection on which the daemon asks the client, for files, secrets, credentials, and to
// which it sends results (moby/buildkit session: `POST /session`, HTTP/2 with the roles exchanged).
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { type FramedHandler, serveGrpc } from "../../../buildkit/grpc/index.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../../buildkit/messages/health_pb.ts";
import type { Connection } from "../../connection.ts";
import { duplexOf } from "../duplex.ts";

/** A service that a session offers, and how it is answered. */
export interface SessionService {
  service: DescService;
  register?(router: ConnectRouter): void;
  /** Calls that frame their messages themselves, by their path. */
  framed?: Record<string, FramedHandler>;
}

export interface ClientSession extends AsyncDisposable {
  readonly id: string;
  /** Resolves when the connection has ended, by whom ever. */
  readonly closed: Promise<void>;
}

/** An id in the form of BuildKit's: 25 letters and digits. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(25));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

/** What the daemon may call, in the way that its session manager reads it. */
const methodsOf = ({ service }: SessionService) =>
  service.methods.map(({ name }) => `/${service.typeName}/${name}`);

export async function openSession(
  connection: Connection,
  services: SessionService[],
  options: { sharedKey?: string; signal?: AbortSignal } = {},
): Promise<ClientSession> {
  const id = newId();
  const all = [...services, health];
  const stream = await connection.hijack("POST", "/session", {
    protocol: "h2c",
    signal: options.signal,
    headers: {
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Sharedkey": options.sharedKey ?? "",
    },
    headerLists: { "X-Docker-Expose-Session-Grpc-Method": all.flatMap(methodsOf) },
  });
  const duplex = duplexOf(stream);
  const framed = Object.assign({}, ...all.map((service) => service.framed));
  const closed = serveGrpc(
    duplex,
    (router) => {
      for (const service of all) service.register?.(router);
    },
    framed,
  );
  return {
    id,
    closed,
    async [Symbol.asyncDispose]() {
      duplex.destroy();
      await closed;
    },
  };
}

/** The daemon asks it every few seconds, and gives the session up when nobody answers. */
const health: SessionService = {
  service: Health,
  register(router) {
    router.service(Health, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
  },
};

// A client's session: the connection on which the daemon asks the client, for files, secrets, credentials, and to
// which it sends results (moby/buildkit session: `POST /session`, HTTP/2 with the roles exchanged).
import type { ConnectRouter } from "@connectrpc/connect";
import { type Answer, type FramedHandler, serveCalls } from "../../../buildkit/calls/index.ts";
import type { Connection } from "../../connection.ts";
import { duplexOf } from "../duplex.ts";
import { HEALTH } from "./methods.ts";

/** A service that a session offers, and how it is answered. */
export interface SessionService {
  /** Paths of its calls, "/package.Service/Method": the daemon is told of them before any is loaded. */
  methods: readonly string[];
  /** Loads what answers, with the first call that comes for any service. */
  load?(): Promise<(router: ConnectRouter) => void>;
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
    headerLists: { "X-Docker-Expose-Session-Grpc-Method": all.flatMap(({ methods }) => methods) },
  });
  const duplex = duplexOf(stream);
  const framed = Object.assign({}, ...all.map((service) => service.framed));
  const closed = serveCalls(duplex, answerLate(all), framed);
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
  methods: HEALTH,
  load: async () => (await import("./health.ts")).registerHealth,
};

/** Most builds' daemons ask for files alone: what answers other calls is loaded by the first of them. */
function answerLate(services: readonly SessionService[]): Answer {
  let loading: Promise<Answer> | undefined;
  const load = async (): Promise<Answer> => {
    const [{ answerBy }, ...registers] = await Promise.all([
      import("../../../buildkit/grpc/index.ts"),
      ...services.map((service) => service.load?.()),
    ]);
    return answerBy((router) => {
      for (const register of registers) register?.(router);
    });
  };
  return async (request, response) => {
    loading ??= load();
    (await loading)(request, response);
  };
}

// The builder's part of the API: connections that leave HTTP and speak gRPC. Source: moby, api/server/router/{session,grpc}.
import { invalid } from "../base/errors.ts";
import { builderServices } from "../builder/index.ts";
import { serveGrpc } from "../buildkit/grpc/index.ts";
import { builderOf } from "../engine/index.ts";
import type { ApiRequest, Handler } from "./request.ts";

const PREFIX = "x-docker-expose-session-";

/** POST /session: the client serves, we call. */
const session: Handler = async (request, engine) => {
  const id = headerOf(request, `${PREFIX}uuid`);
  requireUpgrade(request);
  if (id === "") throw invalid("the session has no id: X-Docker-Expose-Session-Uuid is empty");
  const methods = request.headers[`${PREFIX}grpc-method`];
  const { sessions } = await builderOf(engine);
  return {
    kind: "connection",
    serve: (socket) =>
      sessions.serve(socket, {
        id,
        name: headerOf(request, `${PREFIX}name`),
        sharedKey: headerOf(request, `${PREFIX}sharedkey`),
        methods: (Array.isArray(methods) ? methods : (methods ?? "").split(",")).map((method) =>
          method.trim(),
        ),
      }),
  };
};

/** POST /grpc: we serve BuildKit's Control and LLBBridge. */
const grpc: Handler = async (request, engine) => {
  requireUpgrade(request);
  const services = builderServices(await builderOf(engine));
  return { kind: "connection", serve: (socket) => serveGrpc(socket, services) };
};

const headerOf = ({ headers }: ApiRequest, name: string): string => {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
};

function requireUpgrade({ upgrade, headers }: ApiRequest): void {
  if (!upgrade) throw invalid("no upgrade protocol specified");
  if (headers.upgrade !== "h2c") throw invalid(`protocol ${headers.upgrade} not supported`);
}

export const handlers = { session, grpc } satisfies Record<string, Handler>;

// The daemon's builder as a build has it: its few calls by hand, the generated services once somebody asks for them.
import { type CallConnection, callMessages, callOnce, openConnection } from "../../buildkit/calls/index.ts";
import type { Connection } from "../connection.ts";
import {
  decodeSolveResponse,
  decodeStatus,
  decodeWorkerLabels,
  encodeSolve,
  encodeStatusRequest,
  type SolveOrder,
} from "./control-messages.ts";
import type { BuilderServices } from "./daemon.ts";
import { duplexOf } from "./duplex.ts";
import type { BuildEvent } from "./types.ts";

const CONTROL = "/moby.buildkit.v1.Control";

/** Errors of its calls: GrpcError; their signal's reason. */
export interface BuildCalls extends AsyncDisposable {
  workers(): Promise<{ labels: Record<string, string> }[]>;
  /** What the exporters said. */
  solve(order: SolveOrder, options: { signal?: AbortSignal }): Promise<Record<string, string>>;
  status(ref: string, options: { signal: AbortSignal }): AsyncGenerator<BuildEvent>;
  services(): Promise<BuilderServices>;
}

export async function openBuildCalls(connection: Connection): Promise<BuildCalls> {
  const calls = openConnection(duplexOf(await connection.hijack("POST", "/grpc", { protocol: "h2c" })));
  return {
    workers: async () =>
      decodeWorkerLabels(await callOnce(calls, `${CONTROL}/ListWorkers`, new Uint8Array())),
    solve: async (order, options) =>
      decodeSolveResponse(await callOnce(calls, `${CONTROL}/Solve`, encodeSolve(order), options)),
    status: (ref, options) => statusOf(calls, ref, options),
    services: async () => (await import("./daemon.ts")).servicesOf(calls),
    async [Symbol.asyncDispose]() {
      calls.close();
      await calls.closed;
    },
  };
}

async function* statusOf(
  calls: CallConnection,
  ref: string,
  options: { signal: AbortSignal },
): AsyncGenerator<BuildEvent> {
  for await (const message of callMessages(calls, `${CONTROL}/Status`, encodeStatusRequest(ref), options))
    yield decodeStatus(message);
}

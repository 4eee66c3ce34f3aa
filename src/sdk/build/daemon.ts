// The daemon's builder over `POST /grpc`: its generated services.
import { type Client, createClient } from "@connectrpc/connect";
import { type CallConnection, openConnection } from "../../buildkit/calls/index.ts";
import { withTransport } from "../../buildkit/grpc/index.ts";
import { Content } from "../../buildkit/messages/content_pb.ts";
import { Control } from "../../buildkit/messages/control_pb.ts";
import { LLBBridge } from "../../buildkit/messages/gateway_pb.ts";
import type { Connection } from "../connection.ts";
import { duplexOf } from "./duplex.ts";

export interface BuilderServices {
  readonly control: Client<typeof Control>;
  readonly bridge: Client<typeof LLBBridge>;
  /** Blobs of the builds that it remembers. */
  readonly content: Client<typeof Content>;
}

export type BuilderConnection = BuilderServices & AsyncDisposable;

export async function openBuilder(connection: Connection): Promise<BuilderConnection> {
  const calls = openConnection(duplexOf(await connection.hijack("POST", "/grpc", { protocol: "h2c" })));
  return {
    ...servicesOf(calls),
    async [Symbol.asyncDispose]() {
      calls.close();
      await calls.closed;
    },
  };
}

export function servicesOf(calls: CallConnection): BuilderServices {
  const { transport } = withTransport(calls);
  return {
    control: createClient(Control, transport),
    bridge: createClient(LLBBridge, transport),
    content: createClient(Content, transport),
  };
}

// The daemon's builder over `POST /grpc`: its services, and what it is able to.
import { type Client, createClient } from "@connectrpc/connect";
import { openGrpc } from "../../buildkit/grpc/index.ts";
import { Content } from "../../buildkit/messages/content_pb.ts";
import { Control } from "../../buildkit/messages/control_pb.ts";
import { LLBBridge } from "../../buildkit/messages/gateway_pb.ts";
import type { WorkerRecord } from "../../buildkit/messages/worker_pb.ts";
import type { Connection } from "../connection.ts";
import { duplexOf } from "./duplex.ts";

export interface BuilderConnection extends AsyncDisposable {
  readonly control: Client<typeof Control>;
  readonly bridge: Client<typeof LLBBridge>;
  /** Blobs of the builds that it remembers. */
  readonly content: Client<typeof Content>;
}

export async function openBuilder(connection: Connection): Promise<BuilderConnection> {
  const grpc = openGrpc(duplexOf(await connection.hijack("POST", "/grpc", { protocol: "h2c" })));
  return {
    control: createClient(Control, grpc.transport),
    bridge: createClient(LLBBridge, grpc.transport),
    content: createClient(Content, grpc.transport),
    async [Symbol.asyncDispose]() {
      grpc.close();
      await grpc.closed;
    },
  };
}

const LABEL = "org.mobyproject.buildkit.worker.";

/** What decides about a build's request (docker/buildx driver/docker). */
export interface BuilderAbilities {
  /** Images are kept as they come: several platforms, attestations, archives of images, cache exports, pushes by the builder. */
  imageStore: boolean;
  /** The address that `host-gateway` stands for. */
  hostGateway: string | undefined;
}

export function abilitiesOf(workers: WorkerRecord[]): BuilderAbilities {
  const label = (name: string) => workers.map(({ labels }) => labels[LABEL + name]).find(Boolean);
  return { imageStore: label("snapshotter") !== undefined, hostGateway: label("moby.host-gateway-ip") };
}

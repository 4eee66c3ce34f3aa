// The builder's door.
import type { ConnectRouter } from "@connectrpc/connect";
import { Content } from "../buildkit/messages/content_pb.ts";
import { Control } from "../buildkit/messages/control_pb.ts";
import { LLBBridge } from "../buildkit/messages/gateway_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../buildkit/messages/health_pb.ts";
import { bridgeService } from "./control/bridge-service.ts";
import { Builder } from "./control/builder.ts";
import { contentService } from "./control/content-service.ts";
import { controlService } from "./control/control-service.ts";
import { dockerfileFrontend } from "./dockerfile/frontend.ts";
import type { BuildHost } from "./types.ts";

export type { Usage } from "./cache/usage.ts";
export { runClassicBuild } from "./classic/build.ts";
export { runTracedBuild } from "./classic/traced-build.ts";
export type { BuildMessage, ClassicRequest, Tell } from "./classic/types.ts";
export type { Builder } from "./control/builder.ts";
export { BUILD_LEASE } from "./control/builder.ts";
export type { SessionHeaders } from "./session/sessions.ts";
export type * from "./types.ts";

/** Opens the builder; nothing runs yet. */
export function openBuilder(host: BuildHost): Builder {
  return new Builder(host, new Map([["dockerfile.v0", dockerfileFrontend]]));
}

/** The services of POST /grpc. */
export const builderServices =
  (builder: Builder) =>
  (router: ConnectRouter): void => {
    router.service(Control, controlService(builder));
    router.service(LLBBridge, bridgeService(builder));
    router.service(Content, contentService(builder));
    router.service(Health, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
  };

// The daemon asks whether the session is there.
import type { ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus } from "../../../buildkit/messages/health_pb.ts";

export function registerHealth(router: ConnectRouter): void {
  router.service(Health, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) });
}

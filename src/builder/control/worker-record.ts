// How the builder describes itself: BuildKit's one worker.
import { hostname } from "node:os";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ENGINE_VERSION } from "../../base/build.ts";
import type { WorkerRecordSchema } from "../../buildkit/messages/worker_pb.ts";
import type { Platform } from "../../oci/types.ts";
import { policiesOf } from "../cache/prune.ts";
import type { BuildHost, PruneRequest } from "../types.ts";

/** The release of BuildKit whose protocol and Dockerfiles this is. */
const BUILDKIT = "v0.25.2";

export function workerRecord({ environment, steps, store, cacheBounds, hostGateways }: BuildHost) {
  const prefix = "org.mobyproject.buildkit.worker";
  const [gateway] = hostGateways();
  return {
    id: "berth",
    labels: {
      [`${prefix}.executor`]: "oci",
      [`${prefix}.hostname`]: hostname(),
      ...(gateway && { [`${prefix}.moby.host-gateway-ip`]: gateway }),
      [`${prefix}.network`]: "bridge",
      [`${prefix}.snapshotter`]: store.snapshots.backend === "overlay" ? "overlayfs" : "native",
    },
    platforms: [environment.platform, ...steps.foreignPlatforms()].map(platformMessage),
    gcPolicy: policiesOf(cacheBounds, store.root).map(policyMessage),
    buildkitVersion: { package: "berth", version: BUILDKIT, revision: ENGINE_VERSION },
  } satisfies MessageInitShape<typeof WorkerRecordSchema>;
}

const policyMessage = ({ all, filters, keepFor, ...bounds }: PruneRequest) => ({
  all,
  filters: [...filters],
  keepDuration: BigInt(Math.round(keepFor * 1e6)),
  reservedSpace: BigInt(bounds.reservedSpace),
  maxUsedSpace: BigInt(bounds.maxUsedSpace),
  minFreeSpace: BigInt(bounds.minFreeSpace),
});

export const platformMessage = ({ os, architecture, variant = "" }: Platform) => ({
  os,
  architecture,
  variant,
});

// What changed with API versions for networks and volumes.
import { unavailable } from "../../base/errors.ts";
import { parseFilters } from "../filters.ts";
import type { Change } from "../versions.ts";

export const NETWORK_AND_VOLUME_CHANGES: readonly Change[] = [
  {
    since: 42,
    operations: ["VolumePrune"],
    what: "only anonymous volumes go, unless the filter `all` is true; older: all that are unused",
    olderRequest({ query }) {
      const filters = parseFilters(query.get("filters"));
      query.set("filters", JSON.stringify({ ...filters, all: ["true"] }));
    },
  },
  {
    since: 42,
    operations: ["VolumeCreate"],
    what: "ClusterVolumeSpec, for Swarm managers only; older: ignored",
    olderRequest({ body }) {
      delete (body as { ClusterVolumeSpec?: unknown } | undefined)?.ClusterVolumeSpec;
    },
    newerRequest({ body }) {
      if ((body as { ClusterVolumeSpec?: unknown } | undefined)?.ClusterVolumeSpec)
        throw unavailable(
          'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
        );
    },
  },
  {
    since: 48,
    operations: ["NetworkCreate"],
    what: "EnableIPv4; older: ignored",
    olderRequest({ body }) {
      delete (body as { EnableIPv4?: unknown } | undefined)?.EnableIPv4;
    },
  },
];

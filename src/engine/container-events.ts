// Events that a container's life makes of other things: its volumes and networks.
import type { ContainerRecord, EmitContainerEvent } from "../containers/index.ts";
import type { Engine, Events } from "./types.ts";

/** Labels, image and name go with every event of a container. */
export const emitTo =
  (events: Events): EmitContainerEvent =>
  (container, action, attributes = {}) =>
    events.publish("container", action, container.id, {
      ...container.config.Labels,
      ...attributes,
      image: container.imageName,
      name: container.name,
    });

export function publishNetworkEvents(
  engine: Engine,
  record: ContainerRecord,
  action: "connect" | "disconnect",
): void {
  const status = engine.networks.status(record.id);
  for (const [name, endpoint] of Object.entries(status?.endpoints ?? {})) {
    const network = engine.networks.list().find((known) => known.name === name);
    engine.events.publish("network", action, endpoint.NetworkID ?? network?.id ?? "", {
      container: record.id,
      name,
      type: network?.driver ?? "",
    });
  }
}

export function publishVolumeEvents(
  engine: Engine,
  record: ContainerRecord,
  action: "mount" | "unmount",
): void {
  for (const mount of record.mounts) {
    if (mount.type !== "volume") continue;
    engine.events.publish("volume", action, mount.source, {
      container: record.id,
      driver: mount.driver ?? "local",
      ...(action === "mount" && {
        destination: mount.destination,
        propagation: mount.propagation ?? "",
        "read/write": String(!mount.readOnly),
      }),
    });
  }
}

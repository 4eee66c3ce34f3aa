// Events that a container's life makes of other things: its volumes and networks.
import type { ContainerRecord, EmitContainerEvent } from "../containers/index.ts";
import type { NetworkRecord } from "../networks/types.ts";
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
  for (const { NetworkID = "" } of Object.values(engine.networks.status(record.id)?.endpoints ?? {}))
    publishNetworkEvent(engine, engine.networks.find(NetworkID), action, record.id);
}

/** `container`: whose connection it is about. */
export function publishNetworkEvent(
  engine: Engine,
  { id, name, driver }: NetworkRecord,
  action: string,
  container?: string,
): void {
  engine.events.publish("network", action, id, { ...(container && { container }), name, type: driver });
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

// The host's ports that a running container's shim keeps, after its networks have changed.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { ContainerId } from "../containers/index.ts";
import type { Engine } from "./types.ts";

/**
 * A port that another program took in between is told of, and then the shim keeps those that it had. Rules lead traffic to it all
 * the same, but what only the shim can carry.
 */
export async function keepPorts(engine: Engine, id: ContainerId): Promise<void> {
  try {
    await engine.containers.shims.get(id)?.keepPorts(engine.networks.hostPorts(id));
  } catch (error) {
    log.warn("a container's published port is not kept from other programs", {
      container: id,
      error: messageOf(error),
    });
  }
}

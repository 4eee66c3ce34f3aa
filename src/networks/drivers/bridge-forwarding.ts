// The host's forwarding: switched on for the containers, and for nobody else.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HostEnvironment } from "../../base/environment.ts";
import { listLinks } from "../../linux/netlink/link.ts";
import type { NetlinkSocket } from "../../linux/netlink/socket.ts";
import type { NetworkRecord } from "../types.ts";
import { forwards, switchForwardingOn, uplinks } from "./bridge-device.ts";

export interface Uplink {
  family: 4 | 6;
  device: string;
}

/** In the exec root, since it is about the boot's kernel settings, and ends with them. */
const noteOf = (environment: HostEnvironment, family: 4 | 6) =>
  join(environment.paths.execRoot, "networks", family === 4 ? "uplinks.json" : "uplinks6.json");

/**
 * Switches forwarding on where it is off and a network needs it. A host that did not forward must not become a router
 * between its own networks by running containers: the devices that it had then are noted.
 */
export function startForwarding(
  environment: HostEnvironment,
  socket: NetlinkSocket,
  networks: readonly NetworkRecord[],
): void {
  for (const family of [4, 6] as const) {
    const wanted = networks.some((network) => (family === 4 ? network.enableIPv4 : network.enableIPv6));
    if (!wanted || forwards(family === 6)) continue;
    const file = noteOf(environment, family);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify(uplinks(socket, listLinks(socket))));
    switchForwardingOn(family === 6);
  }
}

/** The devices between which the host did not forward before us. */
export const notedUplinks = (environment: HostEnvironment): Uplink[] =>
  ([4, 6] as const).flatMap((family) =>
    readNote(noteOf(environment, family)).map((device) => ({ family, device })),
  );

function readNote(file: string): string[] {
  try {
    const names: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return []; // The host forwarded before us.
  }
}

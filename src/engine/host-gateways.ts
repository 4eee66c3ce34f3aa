// What `host-gateway` means in extra hosts: the addresses by which containers reach this host.
import type { Engine } from "./types.ts";

/** `--host-gateway-ip`, or the default bridge's gateways; none where that bridge is off. */
export function hostGateways({ config, networks }: Engine): readonly string[] {
  if (config.hostGatewayIps) return config.hostGatewayIps;
  if (config.bridge === "none") return [];
  return networks.find("bridge").pools.flatMap(({ gateway }) => gateway?.split("/", 1) ?? []);
}

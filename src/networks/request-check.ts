// What a container may ask of its network, refused in Docker's words when the container is created. Pure.
import { invalid } from "../base/errors.ts";
import { checkExtraHost } from "./hosts-file.ts";
import { parsePorts } from "./port-requests.ts";
import { checkNameserver } from "./resolv-conf.ts";
import type { SandboxRequest } from "./types.ts";

/** `container:ID` → ID; undefined for other modes. */
export function sharedContainer(mode: string): string | undefined {
  return mode.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/** The name of the network that a mode means: `default` is the bridge. */
export function networkOfMode(mode: string, bridgeOff: boolean): string {
  return mode === "" || mode === "default" ? (bridgeOff ? "none" : "bridge") : mode;
}

const isUserDefined = (name: string) => !["bridge", "host", "none", "default", ""].includes(name);

/** Errors: invalid. */
export function checkRequest(request: SandboxRequest): void {
  if (request.networkMode === "container" || request.networkMode.startsWith("container:"))
    checkShared(request);
  for (const extra of request.extraHosts) checkExtraHost(extra);
  for (const address of request.dns) checkNameserver(address);
  checkHostAddresses(request);
  if (request.macAddress) checkMac(request.macAddress);
  for (const [name, settings] of Object.entries(request.networkingConfig?.EndpointsConfig ?? {})) {
    if (settings?.MacAddress) checkMac(settings.MacAddress, `invalid config for network ${name}: `);
    if (isUserDefined(name)) continue;
    const problems = [
      ...(settings?.IPAMConfig?.IPv4Address || settings?.IPAMConfig?.IPv6Address
        ? [
            "user specified IP address is supported on user defined networks only",
            "user specified IP address is supported only when connecting to networks with user configured subnets",
          ]
        : []),
      ...(settings?.Aliases?.length
        ? ["network-scoped alias is supported only for containers in user defined networks"]
        : []),
    ];
    if (problems.length > 0)
      throw invalid(
        `invalid config for network ${name}: invalid endpoint settings:\n${problems.length === 1 ? problems[0] : problems.map((text) => `* ${text}`).join("\n")}`,
      );
  }
}

/**
 * Refuses networks that can't be had beside the mode's own, `network`: silently left out, a container would have more or
 * less of a network than it was given. Asked at the start, as by Docker. Errors: invalid.
 */
export function checkCompany(network: string, request: SandboxRequest): void {
  const own = [network, request.networkMode, "default", ""];
  const others = Object.keys(request.networkingConfig?.EndpointsConfig ?? {}).filter(
    (name) => !own.includes(name),
  );
  if (others.length === 0) return;
  if (others.includes("host"))
    throw invalid(
      "cannot connect container to host network - container must be created in host network mode",
    );
  if (network === "none" || others.includes("none"))
    throw invalid(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  if (network === "host")
    throw invalid(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
}

/** Docker's proxy serves ::1; we have none, and the kernel routes nothing on from the IPv6 loopback. */
function checkHostAddresses(request: SandboxRequest): void {
  const { requests } = parsePorts(request);
  if (["host", "none"].includes(request.networkMode)) return;
  const port = requests.find(({ hostAddress }) => hostAddress === "::1");
  if (port)
    throw invalid(
      `cannot publish ${port.containerPort}/${port.protocol} on [::1]: ports are published by translating addresses, and the kernel ` +
        "sends nothing on from the IPv6 loopback: publish on 127.0.0.1, or on another address of this host",
    );
}

function checkMac(mac: string, where = ""): void {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw invalid(`${where}invalid MAC address ${mac}`);
}

function checkShared(request: SandboxRequest): void {
  if (!sharedContainer(request.networkMode))
    throw invalid("invalid network mode: invalid container format container:<name|id>");
  if (request.dns.length > 0) throw invalid("conflicting options: dns and the network mode");
  if (request.extraHosts.length > 0)
    throw invalid("conflicting options: custom host-to-IP mapping and the network mode");
  if (Object.keys(request.portBindings).length > 0 || request.publishAll)
    throw invalid("conflicting options: port publishing and the container type network mode");
  if (request.exposedPorts.length > 0)
    throw invalid("conflicting options: port exposing and the container type network mode");
}

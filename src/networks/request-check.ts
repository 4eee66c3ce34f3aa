// What a container may ask of its network, refused in Docker's words when the container is created. Pure.
import type { EndpointSettings } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import { settingsProblems } from "./endpoint-addresses.ts";
import { checkExtraHost } from "./hosts-file.ts";
import { joinProblems } from "./ipam-config.ts";
import { parsePorts } from "./port-requests.ts";
import { checkNameserver } from "./resolv-conf.ts";
import type { NetworkRecord, SandboxRequest } from "./types.ts";

/** `container:ID` → ID; undefined for other modes. */
export function sharedContainer(mode: string): string | undefined {
  return mode.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/** The name of the network that a mode means: `default` is the bridge. */
export function networkOfMode(mode: string, bridgeOff: boolean): string {
  return mode === "" || mode === "default" ? (bridgeOff ? "none" : "bridge") : mode;
}

/** The networks that a container's settings name, the mode's first where it is one of them. */
export function networkNames(request: SandboxRequest, bridgeOff: boolean): string[] {
  const own = networkOfMode(request.networkMode, bridgeOff);
  const asked = Object.keys(request.networkingConfig?.EndpointsConfig ?? {}).filter(
    (name) => name !== "default" && name !== "",
  );
  const withOwn = !request.namedNetworksOnly || asked.includes(own);
  return [...(withOwn ? [own] : []), ...asked.filter((name) => name !== own)];
}

const isUserDefined = (name: string) => !["bridge", "host", "none", "default", ""].includes(name);

/**
 * @param find a network by name, where it is there (yet)
 * @param frame what a problem with a network's settings begins with
 * Errors: invalid.
 */
export function checkRequest(
  request: SandboxRequest,
  find: (name: string) => NetworkRecord | undefined,
  frame = (name: string) => `invalid config for network ${name}: `,
): void {
  if (request.networkMode === "container" || request.networkMode.startsWith("container:"))
    checkShared(request);
  for (const extra of request.extraHosts) checkExtraHost(extra);
  for (const address of request.dns) checkNameserver(address);
  parsePorts(request);
  if (request.macAddress) checkMac(request.macAddress);
  for (const [name, settings] of Object.entries(request.networkingConfig?.EndpointsConfig ?? {})) {
    if (settings === null) throw invalid(`${frame(name)}EndpointsConfig is nil`);
    if (settings.MacAddress) checkMac(settings.MacAddress, frame(name));
    const problems = isUserDefined(name)
      ? settingsProblems(settings, find(name))
      : defaultNetworkProblems(settings);
    if (problems.length > 0)
      throw invalid(`${frame(name)}invalid endpoint settings:\n${joinProblems(problems)}`);
  }
}

/** What the default networks have not: addresses and names of one's own choice. */
function defaultNetworkProblems({ IPAMConfig, Aliases }: EndpointSettings): string[] {
  const addressed = IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address;
  return [
    ...(addressed
      ? [
          "user specified IP address is supported on user defined networks only",
          "user specified IP address is supported only when connecting to networks with user configured subnets",
        ]
      : []),
    ...(Aliases?.length
      ? ["network-scoped alias is supported only for containers in user defined networks"]
      : []),
  ];
}

const NO_HOST = "cannot connect container to host network - container must be created in host network mode";
const NO_PRIVATE =
  "container cannot be connected to multiple networks with one of the networks in private (none) mode";
const NO_SHARED =
  "container sharing network namespace with another container or host cannot be connected to any other network";

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
  if (others.includes("host")) throw invalid(NO_HOST);
  if (network === "none" || others.includes("none")) throw invalid(NO_PRIVATE);
  if (network === "host") throw invalid(NO_SHARED);
}

/** The same for one that is to be connected to `wanted`, a network more. Errors: invalid. */
export function checkConnection(mode: string, present: readonly string[], wanted: string): void {
  if (mode === "host" || sharedContainer(mode) !== undefined) throw invalid(NO_SHARED);
  if (wanted === "host") throw invalid(NO_HOST);
  if ((wanted === "none" && present.length > 0) || present.some((name) => name === "none"))
    throw invalid(NO_PRIVATE);
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

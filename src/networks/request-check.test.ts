// What a container may not ask of its network.
import { expect, test } from "bun:test";
import { checkCompany, checkRequest } from "./request-check.ts";

const nowhere = () => undefined;

const asking = (HostIp: string, networkMode = "bridge") => ({
  containerId: "c",
  containerName: "c",
  networkMode,
  portBindings: { "80/tcp": [{ HostIp, HostPort: "8080" }] },
  exposedPorts: [],
  publishAll: false,
  hostname: "",
  extraHosts: [],
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
});

test("a port on what is no address is refused", () => {
  expect(() => checkRequest(asking("::g"), nowhere)).toThrow("invalid IP address: ::g");
  expect(() => checkRequest(asking("[::1]"), nowhere)).not.toThrow();
});

test.each([
  ["none", ["none", "host"], /^cannot connect container to host network - /],
  ["bridge", ["default", "host"], /^cannot connect container to host network - /],
  ["none", ["none", "bridge"], /private \(none\) mode$/],
  ["bridge", ["bridge", "none"], /private \(none\) mode$/],
  ["host", ["host", "bridge"], /cannot be connected to any other network$/],
])("%s with %j is refused", (network, names, problem) => {
  const EndpointsConfig = Object.fromEntries(names.map((name) => [name, {}]));
  const request = { ...asking("", network), networkingConfig: { EndpointsConfig } };
  expect(() => checkCompany(network, request)).toThrow(problem);
});

test.each([
  ["bridge", "default", ["default"]],
  ["bridge", "bridge", []],
  ["host", "host", ["host"]],
])("%s (%s) with %j is taken", (network, mode, names) => {
  const EndpointsConfig = Object.fromEntries(names.map((name) => [name, {}]));
  checkCompany(network, { ...asking("", mode), networkingConfig: { EndpointsConfig } });
});

test("a network without settings, null, is refused", () => {
  const request = { ...asking(""), networkingConfig: { EndpointsConfig: { some: null } } };
  expect(() => checkRequest(request as never, nowhere)).toThrow(
    "invalid config for network some: EndpointsConfig is nil",
  );
});

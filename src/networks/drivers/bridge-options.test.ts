// Options of a bridge network that are refused, in Docker's words (compared with 28.5).
import { expect, test } from "bun:test";
import type { NetworkRecord } from "../types.ts";
import { checkBridge, OPTION } from "./bridge-options.ts";

const network = (options: Record<string, string>): NetworkRecord => ({
  id: "n".padEnd(64, "0"),
  name: "n",
  driver: "bridge",
  scope: "local",
  createdAt: "",
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  pools: [{ subnet: "10.1.0.0/24", gateway: "10.1.0.1" }],
  options,
  labels: {},
  builtIn: false,
});

test.each([
  [OPTION.MTU, "-5", "invalid MTU number: -5"],
  [OPTION.MTU, "abc", /^failed to parse com.docker.network.driver.mtu value: abc \(strconv.Atoi: /],
  [OPTION.ICC, "maybe", /^failed to parse com.docker.network.bridge.enable_icc value: maybe /],
  [OPTION.NAME, "a/b", 'invalid bridge name: "a/b"'],
  [OPTION.NAME, "a-name-of-16-bytes", "numerical result out of range"],
])("%s=%s is refused", (key, text, problem) => {
  expect(() => checkBridge(network({ [key]: text }), [])).toThrow(problem);
});

test.each([
  [OPTION.MTU, "1400"],
  [OPTION.MTU, "0"],
  [OPTION.ICC, "false"],
  [OPTION.NAME, "br0"],
])("%s=%s is taken", (key, text) => {
  checkBridge(network({ [key]: text }), []);
});

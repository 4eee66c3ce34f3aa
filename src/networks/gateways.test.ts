// Which endpoint leads out: libnetwork's order.
import { expect, test } from "bun:test";
import { type Attached, gatewaysOf } from "./gateways.ts";

const attached = (
  name: string,
  { priority = 0, internal = false, four = "", six = "", routeByDevice = false } = {},
): Attached =>
  ({
    priority,
    network: { name, internal },
    endpoint: {
      id: name,
      addresses: { ipv4: "10.0.0.2", ...(four && { gateway4: four }), ...(six && { gateway6: six }) },
      ...(routeByDevice && { routeByDevice }),
    },
  }) as unknown as Attached;

test.each<[string, Attached[], string | undefined, string | undefined]>([
  ["by name", [attached("b", { four: "g" }), attached("a", { four: "g" })], "a", undefined],
  ["by priority", [attached("a", { four: "g" }), attached("b", { four: "g", priority: 1 })], "b", undefined],
  [
    "both families before one",
    [attached("a", { four: "g" }), attached("b", { four: "g", six: "h" })],
    "b",
    "b",
  ],
  [
    "each family of its own",
    [attached("a", { four: "g", priority: 1 }), attached("b", { six: "h" })],
    "a",
    "b",
  ],
  [
    "one that leads nowhere is none",
    [attached("a", { priority: 9 }), attached("b", { four: "g" })],
    "b",
    undefined,
  ],
  ["by the device itself", [attached("a", { routeByDevice: true })], "a", undefined],
  ["none", [attached("a")], undefined, undefined],
])("%s", (_, list, four, six) => {
  const found = gatewaysOf(list);
  expect([found.four?.id, found.six?.id]).toEqual([four, six]);
});

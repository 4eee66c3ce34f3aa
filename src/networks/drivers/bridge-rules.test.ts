import { describe, expect, test } from "bun:test";
import {
  addElements,
  type BridgeRules,
  deleteElements,
  type Element,
  elementsOfNetwork,
  elementsOfPorts,
  type PublishedPort,
  wholeTable,
} from "./bridge-rules.ts";

const plain: BridgeRules = {
  device: "br-a",
  four: { mode: "nat", subnet: "10.1.0.0/24" },
  six: { mode: "nat" },
  masquerade: true,
  icc: true,
  internal: false,
  trusted: [],
};
const show = ({ holder, key, value }: Element) => `${holder} ${key}${value ? ` : ${value}` : ""}`;

describe("a network's elements", () => {
  test.each<[string, Partial<BridgeRules>, string[]]>([
    [
      "as it is by default",
      {},
      [
        "bridges br-a",
        "among br-a . br-a : accept",
        "outward br-a : goto outward-open",
        "inward ipv4 . br-a : goto inward-nat",
        "home4 br-a . 10.1.0.0/24",
        "masked4 10.1.0.0/24",
        "inward ipv6 . br-a : goto inward-nat",
      ],
    ],
    [
      "internal, without icc",
      { internal: true, icc: false, trusted: ["eth0"] },
      [
        "bridges br-a",
        "internals br-a",
        "among br-a . br-a : drop",
        "outward br-a : drop",
        "inward ipv4 . br-a : drop",
        "inward ipv6 . br-a : drop",
      ],
    ],
    [
      "routed in one family, with a source in the other, trusting a device",
      {
        four: { mode: "nat", subnet: "10.1.0.0/24", source: "192.0.2.7" },
        six: { mode: "routed", subnet: "fd00::/64" },
        icc: false,
        trusted: ["eth0"],
      },
      [
        "bridges br-a",
        "among br-a . br-a : goto among-apart",
        "outward br-a : goto outward-open",
        "inward ipv4 . br-a : goto inward-nat",
        "home4 br-a . 10.1.0.0/24",
        "source4 10.1.0.0/24 : 192.0.2.7",
        "inward ipv6 . br-a : goto inward-routed",
        "home6 br-a . fd00::/64",
        "among eth0 . br-a : jump trusted",
      ],
    ],
  ])("%s", (_, differences, expected) => {
    const found = elementsOfNetwork({ ...plain, ...differences }).map(show);
    expect(found.map((text) => text.replaceAll('"', ""))).toEqual(expected);
  });
});

describe("a published port's elements", () => {
  const port: PublishedPort = {
    protocol: "tcp",
    containerPort: 80,
    hostAddress: "0.0.0.0",
    hostPort: 8080,
    containerAddress: "10.1.0.2",
  };
  test.each<[Partial<PublishedPort>, string[]]>([
    [{}, ["any4 tcp . 8080 : 10.1.0.2 . 80"]],
    [{ hostAddress: "192.0.2.1" }, ["one4 192.0.2.1 . tcp . 8080 : 10.1.0.2 . 80"]],
    [{ hostAddress: "::", containerAddress: "fd00::2" }, ["any6 tcp . 8080 : fd00::2 . 80"]],
    [{ hostAddress: "::", containerAddress: undefined }, ["carried tcp . 8080"]],
    [{ hostAddress: "fd00::9", containerAddress: undefined }, ["carried-one fd00::9 . tcp . 8080"]],
    [{ direct: true }, ["open4 10.1.0.2 . tcp . 80", "any4 tcp . 8080 : 10.1.0.2 . 80"]],
    [{ direct: true, hostPort: 0 }, ["open4 10.1.0.2 . tcp . 80"]],
  ])("%j", (differences, expected) => {
    expect(elementsOfPorts([{ ...port, ...differences }]).map(show)).toEqual(expected);
  });

  test("one command for each map, and a port open twice is open once", () => {
    const ports = [
      { ...port, direct: true },
      { ...port, direct: true, hostPort: 8081 },
    ];
    expect(addElements("b", elementsOfPorts(ports)).split("\n")).toEqual([
      "add element inet berth_b open4 { 10.1.0.2 . tcp . 80 }",
      "add element inet berth_b any4 { tcp . 8080 : 10.1.0.2 . 80, tcp . 8081 : 10.1.0.2 . 80 }",
    ]);
    expect(deleteElements("b", elementsOfPorts(ports)).split("\n")).toEqual([
      "delete element inet berth_b open4 { 10.1.0.2 . tcp . 80 }",
      "delete element inet berth_b any4 { tcp . 8080, tcp . 8081 }",
    ]);
  });
});

test("the chains are the same for one network and for a hundred, and the administrator's is not flushed", () => {
  const rules = (count: number) =>
    wholeTable("b", {
      networks: Array.from({ length: count }, (_, i) => ({ ...plain, device: `br-${i}` })),
      ports: [],
      links: [],
      others: [],
      uplinks: [],
    })
      .split("\n")
      .filter((line) => !line.startsWith("add element"));
  expect(rules(100)).toEqual(rules(1));
  expect(rules(1).join("\n")).toContain("jump berth-user");
  expect(rules(1).join("\n")).not.toContain("flush chain inet berth_b berth-user");
});

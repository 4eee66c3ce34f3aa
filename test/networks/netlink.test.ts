// The netlink room against the kernel, in namespaces of the test's own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { addAddress, listAddresses, removeAddress } from "../../src/linux/netlink/address.ts";
import {
  addBridge,
  addVeth,
  findLink,
  listLinks,
  removeLink,
  setBridgePort,
  setLink,
} from "../../src/linux/netlink/link.ts";
import { addRoute, listRoutes } from "../../src/linux/netlink/route.ts";
import { NetlinkError, type NetlinkSocket, openRoute } from "../../src/linux/netlink/socket.ts";
import { addDummy, addIpvlan, addMacvlan, addVlan, kernelHas } from "../../src/linux/netlink/stacked-link.ts";
import {
  createNamespace,
  dropNamespaces,
  inNamespace,
  isPinned,
  namesOf,
  prepareNamespaces,
  removeNamespace,
} from "../../src/linux/netns.ts";
import { kernel } from "./stacked-kernel.ts";

const root = mkdtempSync("/var/tmp/berth-test-");
const folder = `${root}/netns`;
const file = `${folder}/one`;
const homeBefore = inode("/proc/thread-self/ns/net");

function inode(path: string): string {
  return Bun.spawnSync([
    "stat",
    "-L",
    "-c",
    "%i",
    path.replace("thread-self", String(process.pid)),
  ]).stdout.toString();
}

beforeAll(() => {
  prepareNamespaces(folder);
  createNamespace(file, () => {});
});
afterAll(() => {
  for (const name of namesOf(folder)) removeNamespace(`${folder}/${name}`);
  dropNamespaces(folder);
  rmSync(root, { recursive: true, force: true });
});

/** What iproute2 prints in the namespace: another program's view. */
const ip = (...args: string[]) =>
  Bun.spawnSync(["nsenter", `--net=${file}`, "ip", ...args])
    .stdout.toString()
    .replaceAll(/\s+/g, " ");

test("a namespace is pinned, entered and left", () => {
  expect(isPinned(file)).toBe(true);
  const links = inNamespace(file, () => {
    using socket = openRoute();
    return listLinks(socket).map(({ name }) => name);
  });
  expect(links).toEqual(["lo"]);
  expect(inode("/proc/thread-self/ns/net")).toBe(homeBefore);
});

test("what fails inside leaves neither pin nor file, and the thread at home", () => {
  expect(() =>
    createNamespace(`${folder}/bad`, () => {
      throw new Error("inside");
    }),
  ).toThrow("inside");
  expect(existsSync(`${folder}/bad`)).toBe(false);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${folder}/bad`);
  expect(inode("/proc/thread-self/ns/net")).toBe(homeBefore);
  // A pin that is there is never made anew.
  expect(() => createNamespace(file, () => {})).toThrow(/EEXIST/);
  expect(isPinned(file)).toBe(true);
});

test("a pin that went here goes from other mount namespaces, and with it the namespace", async () => {
  const other = `${folder}/two`;
  createNamespace(other, () => {});
  await using stack = new AsyncDisposableStack();
  const child = Bun.spawn(
    ["unshare", "--mount", "--propagation", "slave", "sh", "-c", "echo ready; exec sleep 1000"],
    { stdout: "pipe" },
  );
  stack.defer(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  await child.stdout.getReader().read();
  const mounts = () => readFileSync(`/proc/${child.pid}/mountinfo`, "utf8");
  expect(mounts()).toContain(other);
  // Once, not once more below the folder's own mount.
  expect(readFileSync("/proc/self/mountinfo", "utf8").split(other).length - 1).toBe(1);
  removeNamespace(other);
  expect(mounts()).not.toContain(other);
});

test("bridge, veth, addresses and routes are as iproute2 sees them", () => {
  inNamespace(file, (fd) => {
    using socket = openRoute();
    setLink(socket, 1, { up: true });
    addBridge(socket, { name: "b0", address: "02:00:00:00:00:01", mtu: 1400 });
    const bridge = findLink(socket, "b0");
    expect(bridge).toMatchObject({ kind: "bridge", up: false, mtu: 1400, address: "02:00:00:00:00:01" });
    const index = bridge?.index ?? 0;
    setLink(socket, index, { up: true });
    addAddress(socket, { index, address: "10.9.8.1", prefix: 20 });
    addAddress(socket, { index, address: "10.9.8.1", prefix: 20 }); // again: no error
    addAddress(socket, { index, address: "fd00:9::1", prefix: 64 });
    addVeth(
      socket,
      { name: "v0", master: index, up: true, mtu: 1400 },
      { name: "eth0", namespaceFd: fd, address: "02:00:00:00:00:02", mtu: 1400 },
    );
    const port = findLink(socket, "v0");
    expect(port).toMatchObject({ kind: "veth", up: true, master: index });
    setBridgePort(socket, port?.index ?? 0, { hairpin: true, enabled: false });
    addRoute(socket, { destination: "10.77.0.0/16", gateway: "10.9.8.7", device: index });
    addRoute(socket, { gateway: "fd00:9::7", device: index });
    expect(listRoutes(socket)).toContainEqual(
      expect.objectContaining({
        destination: "10.77.0.0/16",
        gateway: "10.9.8.7",
        device: index,
        table: 254,
      }),
    );
    expect(listAddresses(socket)).toContainEqual({ index, address: "10.9.8.1", prefix: 20 });
  });
  expect(ip("-d", "link", "show", "b0")).toMatch(/mtu 1400 .*02:00:00:00:00:01.* bridge /);
  expect(ip("addr", "show", "b0")).toMatch(
    /inet 10\.9\.8\.1\/20 brd 10\.9\.15\.255 .*inet6 fd00:9::1\/64 scope global nodad/,
  );
  expect(ip("-d", "link", "show", "v0")).toMatch(/master b0 .*bridge_slave state disabled .*hairpin on/);
  expect(ip("link", "show", "eth0")).toContain("02:00:00:00:00:02");
  expect(ip("route")).toContain("10.77.0.0/16 via 10.9.8.7 dev b0");
  expect(ip("-6", "route")).toContain("default via fd00:9::7 dev b0");

  inNamespace(file, () => {
    using socket = openRoute();
    const index = findLink(socket, "b0")?.index ?? 0;
    setLink(socket, findLink(socket, "eth0")?.index ?? 0, { up: true }); // a port without a carrier stays disabled
    setBridgePort(socket, findLink(socket, "v0")?.index ?? 0, { enabled: true });
    removeAddress(socket, { index, address: "fd00:9::1", prefix: 64 });
    expect(removeLink(socket, "v0")).toBe(true);
    expect(removeLink(socket, "v0")).toBe(false);
    expect(findLink(socket, "v0")).toBeUndefined();
  });
  expect(ip("addr", "show", "b0")).not.toContain("fd00:9::1");
  expect(ip("link")).not.toContain("eth0");
});

describe("devices that sit on another, as iproute2 sees them", () => {
  beforeAll(() => {
    inNamespace(file, (fd) => {
      using socket = openRoute();
      addVeth(socket, { name: "under0" }, { name: "under1", namespaceFd: fd });
    });
  });
  afterAll(() => {
    inNamespace(file, () => {
      using socket = openRoute();
      removeLink(socket, "under0");
    });
  });
  const within = (work: (socket: NetlinkSocket, parent: number, fd: number) => void) =>
    inNamespace(file, (fd) => {
      using socket = openRoute();
      work(socket, findLink(socket, "under0")?.index ?? 0, fd);
    });

  test.skipIf(!kernel.macvlan).each(["bridge", "private", "vepa", "passthru"] as const)(
    "macvlan %s",
    (mode) => {
      within((socket, parent, namespaceFd) => {
        const address = mode === "passthru" ? {} : { address: "02:00:00:00:00:05" };
        addMacvlan(socket, { name: "stacked0", parent, namespaceFd, mode, ...address });
        expect(findLink(socket, "stacked0")).toMatchObject({ kind: "macvlan", parent, ...address });
      });
      expect(ip("-d", "link", "show", "stacked0")).toMatch(
        new RegExp(`stacked0@under0: .* macvlan mode ${mode} `),
      );
      within((socket) => expect(removeLink(socket, "stacked0")).toBe(true));
    },
  );

  test.skipIf(!kernel.ipvlan).each([
    ["l2", "bridge"],
    ["l3", "private"],
    ["l3s", "vepa"],
  ] as const)("ipvlan %s %s", (mode, flag) => {
    within((socket, parent) => {
      addIpvlan(socket, { name: "stacked0", parent, mode, flag });
      const { address } = findLink(socket, "under0") ?? {};
      expect(findLink(socket, "stacked0")).toMatchObject({ kind: "ipvlan", parent, address: address ?? "" });
    });
    expect(ip("-d", "link", "show", "stacked0")).toContain(` ipvlan mode ${mode} ${flag} `);
    within((socket) => expect(removeLink(socket, "stacked0")).toBe(true));
  });

  test.skipIf(!kernel.vlan)("a VLAN, once for a tag", () => {
    within((socket, parent) => {
      addVlan(socket, { name: "under0.7", parent, id: 7 });
      expect(() => addVlan(socket, { name: "other", parent, id: 7 })).toThrow("add vlan other: file exists");
    });
    expect(ip("-d", "link", "show", "under0.7")).toContain("vlan protocol 802.1Q id 7 ");
  });

  test.skipIf(!kernel.dummy)("a dummy", () => {
    within((socket) => addDummy(socket, "d0"));
    expect(ip("-d", "link", "show", "d0")).toContain(" dummy ");
  });

  test("a name and an alias, changed", () => {
    within((socket, parent) => {
      setLink(socket, parent, { alias: "what it is for" });
      expect(findLink(socket, "under0")?.alias).toBe("what it is for");
    });
    expect(ip("link", "show", "under0")).toContain("alias what it is for");
    within((socket) => {
      addBridge(socket, { name: "first", address: "02:00:00:00:00:06" });
      setLink(socket, findLink(socket, "first")?.index ?? 0, { name: "second" });
      expect(findLink(socket, "first")).toBeUndefined();
      expect(removeLink(socket, "second")).toBe(true);
    });
  });

  test("asking what the kernel has makes nothing", () => {
    within((socket) => {
      const before = listLinks(socket);
      expect(kernelHas(socket, "macvlan")).toBe(kernel.macvlan);
      expect(kernelHas(socket, "vlan")).toBe(kernel.vlan);
      expect(listLinks(socket)).toEqual(before);
    });
  });
});

test("errors carry the errno, what was tried on what, and the kernel's own words", () => {
  inNamespace(file, (fd) => {
    using socket = openRoute();
    addBridge(socket, { name: "taken", address: "02:00:00:00:00:09" });
    expect(() => addBridge(socket, { name: "taken", address: "02:00:00:00:00:09" })).toThrow(
      "add bridge taken: file exists",
    );
    // A master that is no bridge: the kernel says why (NLMSGERR_ATTR_MSG).
    let refused: unknown;
    try {
      addVeth(socket, { name: "v1", master: 1 }, { name: "v2", namespaceFd: fd });
    } catch (thrown) {
      refused = thrown;
    }
    expect(refused).toBeInstanceOf(NetlinkError);
    expect((refused as NetlinkError).errno).toBeGreaterThan(0);
    expect(() => addRoute(socket, { gateway: "203.0.113.1", device: 1 })).toThrow(
      "add route default 203.0.113.1: network is unreachable (Nexthop has invalid gateway)",
    );
    expect(findLink(socket, "v1")).toBeUndefined();
    removeLink(socket, "taken");
  });
});

test("a dump of several datagrams is whole", () => {
  inNamespace(file, () => {
    using socket = openRoute();
    addBridge(socket, { name: "many", address: "02:00:00:00:00:08" });
    const index = findLink(socket, "many")?.index ?? 0;
    setLink(socket, index, { up: true });
    // An address is some 80 bytes in a dump, a datagram at most 32 kB.
    const addresses = Array.from({ length: 900 }, (_, i) => `10.200.${i >> 8}.${i & 255}`);
    for (const address of addresses) addAddress(socket, { index, address, prefix: 32 });
    const found = listAddresses(socket).filter((each) => each.index === index);
    expect(new Set(found.map(({ address }) => address))).toEqual(new Set(addresses));
    removeLink(socket, "many");
  });
});

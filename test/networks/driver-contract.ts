// What holds for every network driver, seen through the room's door: allocate decides and stores, realise makes it
// exist and may be asked again, release leaves nothing, and a new process on the same rows comes to the same kernel.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { NetworkRequest, SandboxRequest } from "../../src/networks/index.ts";
import { type Container, type Daemon, type Machine, request, startMachine } from "./machine.ts";

export interface DriverCase {
  /** Name of the network, and of its driver. */
  network: string;
  driver: string;
  /** Whether its containers have a namespace of their own. */
  ownNamespace: boolean;
  /** Devices in it. */
  devices: string[];
  addressed: boolean;
  /** Devices on the host for each container. */
  hostDevices: number;
  /** What makes the network, where it isn't one of the default ones. */
  create?: NetworkRequest;
  /** Something to publish, where the driver can. */
  portBindings?: SandboxRequest["portBindings"];
}

interface Inspect {
  Driver: string;
  Containers: Record<string, { Name: string; IPv4Address: string; EndpointID: string }>;
}

/** Milliseconds for the kernel to delete a namespace after its release, and for the quiet moment before. */
const GONE = 5_000;

export function driverContract(driver: DriverCase): void {
  describe(`the driver ${driver.driver} (network ${driver.network})`, () => {
    let machine: Machine;
    let daemon: Daemon;
    const asked: Partial<SandboxRequest> = {
      networkMode: driver.network,
      ...(driver.portBindings && { portBindings: driver.portBindings }),
    };

    beforeAll(async () => {
      machine = await startMachine();
      daemon = await machine.daemon({ ipv6: true });
      if (driver.create) await daemon.call("create", driver.create);
    });
    afterAll(async () => {
      await machine?.[Symbol.asyncDispose]();
    });

    const inspect = () => daemon.call<Inspect>("inspect", driver.network);
    const devices = () =>
      machine
        .run("ls", "/proc/sys/net/ipv4/conf")
        .split("\n")
        .filter((name) => name.startsWith("bth"));
    const inside = ({ namespace }: Container) =>
      Bun.spawnSync(["nsenter", `--net=${namespace}`, "ls", "/proc/sys/net/ipv4/conf"])
        .stdout.toString()
        .split("\n")
        .filter((name) => name && name !== "all" && name !== "default");

    async function nothingLeft(container: Container): Promise<void> {
      const until = Date.now() + GONE;
      const { namespace } = container;
      while ((devices().length > 0 || (driver.ownNamespace && existsSync(namespace))) && Date.now() < until)
        await Bun.sleep(50);
      expect(devices()).toEqual([]);
      if (driver.ownNamespace) expect(existsSync(namespace)).toBe(false);
      expect(await daemon.call("status", container.id)).toBeNull();
      expect((await inspect()).Containers).toEqual({});
      expect(machine.run("nft", "list", "ruleset")).not.toContain("elements = { tcp");
    }

    test("allocate stores a decision, and makes nothing in the kernel", async () => {
      await daemon.call("allocate", request("c1", asked));
      const { Containers, Driver } = await inspect();
      expect(Driver).toBe(driver.driver);
      expect(Object.keys(Containers)).toEqual(["c1"]);
      expect(Boolean(Containers.c1?.IPv4Address)).toBe(driver.addressed);
      expect(devices()).toEqual([]);
      await daemon.call("release", "c1");
      expect((await inspect()).Containers).toEqual({});
    });

    test("realise makes it exist, again with the same result; release leaves nothing", async () => {
      const container = await daemon.start("c2", asked);
      expect(container.realised.namespace !== null).toBe(driver.ownNamespace);
      if (driver.ownNamespace) expect(inside(container).sort()).toEqual([...driver.devices].sort());
      expect(await daemon.call<Container["realised"]>("realise", "c2")).toEqual(container.realised);
      expect(devices()).toHaveLength(driver.hostDevices);
      await daemon.call("release", "c2");
      await nothingLeft(container);
    });

    test("two containers get different endpoints, and a name is found by its network", async () => {
      const [a, b] = [
        await daemon.start("a", asked),
        await daemon.start("b", { networkMode: driver.network }),
      ];
      const ids = [a, b].map(({ status }) => status.endpoints[driver.network]?.EndpointID);
      expect(new Set(ids).size).toBe(2);
      if (driver.addressed) expect(a.address).not.toBe(b.address);
      expect(Object.values((await inspect()).Containers).map(({ Name }) => Name)).toEqual([
        "name-a",
        "name-b",
      ]);
      for (const { id } of [a, b]) await daemon.call("release", id);
      await nothingLeft(a);
    });

    test("allocating again gives up what was there before", async () => {
      await daemon.call("allocate", request("c3", asked));
      const container = await daemon.start("c3", asked);
      expect(Object.keys((await inspect()).Containers)).toEqual(["c3"]);
      await daemon.call("release", "c3");
      await nothingLeft(container);
    });

    test("a new process finds the living as they were, and takes the dead away", async () => {
      const [living, dead] = [
        await daemon.start("living", asked),
        await daemon.start("dead", { networkMode: driver.network }),
      ];
      await daemon.call("allocate", request("halfway", { networkMode: driver.network }));
      await daemon.kill();
      await daemon.restart();
      await daemon.call("reconcile", ["living"]);
      expect(await daemon.call<unknown>("status", "living")).toEqual(living.status);
      expect(Object.keys((await inspect()).Containers)).toEqual(["living"]);
      if (driver.ownNamespace) {
        expect(inside(living).sort()).toEqual([...driver.devices].sort());
        expect(existsSync(dead.namespace)).toBe(false);
      }
      expect(devices()).toHaveLength(driver.hostDevices);
      await daemon.call("release", "living");
      await nothingLeft(living);
    });

    test("a shared sandbox is its owner's", async () => {
      const owner = await daemon.start("owner", asked);
      const sharer = await daemon.start("sharer", { networkMode: "container:owner" });
      expect(sharer.realised.namespace).toBe(owner.realised.namespace);
      expect(sharer.realised.filesOf).toBe("owner");
      expect(sharer.realised.hosts).toBe(owner.realised.hosts);
      expect(sharer.realised.reserve).toEqual([]);
      expect(sharer.status).toEqual({ sandboxId: "", sandboxKey: "", endpoints: {}, ports: {} });
      await daemon.call("release", "sharer");
      if (driver.ownNamespace) expect(existsSync(owner.namespace)).toBe(true);
      await daemon.call("release", "owner");
      await nothingLeft(owner);
      await expect(daemon.start("late", { networkMode: "container:owner" })).rejects.toThrow(
        "failed to set up container networking: cannot join network namespace of a non running container: container owner",
      );
    });
  });
}

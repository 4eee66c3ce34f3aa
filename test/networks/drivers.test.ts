import { driverContract } from "./driver-contract.ts";
import { kernel } from "./stacked-kernel.ts";

driverContract({
  network: "bridge",
  driver: "bridge",
  ownNamespace: true,
  devices: ["lo", "eth0"],
  addressed: true,
  hostDevices: 1,
  portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
});
driverContract({
  network: "host",
  driver: "host",
  ownNamespace: false,
  devices: [],
  addressed: false,
  hostDevices: 0,
});
driverContract({
  network: "none",
  driver: "null",
  ownNamespace: true,
  devices: ["lo"],
  addressed: false,
  hostDevices: 0,
});

/** The devices that are made of a parent: on the machine's uplink, and without one where the kernel has dummies. */
const stacked = (network: string, driver: "macvlan" | "ipvlan", options: Record<string, string>) =>
  driverContract({
    network,
    driver,
    ownNamespace: true,
    devices: ["lo", "eth0"],
    addressed: true,
    hostDevices: 0,
    portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    create: { Name: network, Driver: driver, EnableIPv6: true, Options: options },
  });
if (kernel.macvlan) stacked("own-address", "macvlan", { parent: "uplink0" });
if (kernel.macvlan && kernel.dummy) stacked("alone", "macvlan", {});
if (kernel.macvlan && kernel.vlan) stacked("tagged", "macvlan", { parent: "uplink0.50" });
if (kernel.ipvlan) stacked("shared-address", "ipvlan", { parent: "uplink0" });
if (kernel.ipvlan) stacked("routed", "ipvlan", { parent: "uplink0", ipvlan_mode: "l3" });

import { driverContract } from "./driver-contract.ts";

driverContract({
  network: "bridge",
  driver: "bridge",
  ownNamespace: true,
  devices: ["lo", "eth0"],
  addressed: true,
  portBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
});
driverContract({ network: "host", driver: "host", ownNamespace: false, devices: [], addressed: false });
driverContract({ network: "none", driver: "null", ownNamespace: true, devices: ["lo"], addressed: false });

// What this kernel has of the devices that macvlan and ipvlan networks are made of: modules that a small kernel lacks.
import { openRoute } from "../../src/linux/netlink/socket.ts";
import { kernelHas } from "../../src/linux/netlink/stacked-link.ts";

function probe(): Record<"macvlan" | "ipvlan" | "vlan" | "dummy", boolean> {
  using socket = openRoute();
  const [macvlan, ipvlan, vlan] = (["macvlan", "ipvlan", "vlan"] as const).map((kind) =>
    kernelHas(socket, kind),
  );
  const add = ["unshare", "--net", "ip", "link", "add", "probe", "type", "dummy"];
  const dummy = Bun.spawnSync(add, { stderr: "ignore" }).exitCode === 0;
  return { macvlan: macvlan === true, ipvlan: ipvlan === true, vlan: vlan === true, dummy };
}

export const kernel = probe();

const lacking = Object.entries(kernel).flatMap(([kind, there]) => (there ? [] : [kind]));
if (lacking.length > 0) console.log(`skipped in part: this kernel has no ${lacking.join(", ")}`);

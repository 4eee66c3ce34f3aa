// macvlan and ipvlan containers on two machines on one cable: they are machines on its segment, and reach each other.
import { mkdtempSync, rmSync } from "node:fs";
import type { Check } from "./checks.ts";
import { type Machine, startMachine } from "./machine.ts";

/** Of the two machines' containers on the cable. */
const SUBNET = "10.77.0.0/24";
const DAEMON = "/usr/local/bin/berth";

/** A cable's two ends; disposing takes the sockets' folder away. */
export function layCable() {
  const folder = mkdtempSync("/var/tmp/berth-vm-cable-");
  const [a, b] = [`${folder}/a`, `${folder}/b`];
  return {
    near: { local: a, remote: b, mac: "52:54:00:77:00:01" },
    far: { local: b, remote: a, mac: "52:54:00:77:00:02" },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The second machine, with the program of the first one and containers on the cable that answer there. */
export async function startFarMachine(
  cable: ReturnType<typeof layCable>["far"],
  near: Machine,
): Promise<Machine> {
  const machine = await startMachine({ cable });
  try {
    // What Berth needs, as its set-up installs it on the first machine; its program as it was built there.
    const packages = "runc crun libnftables1 busybox-static util-linux ca-certificates";
    const command = `echo update_initramfs=no >/etc/initramfs-tools/update-initramfs.conf; apt-get install -y -qq --no-install-recommends ${packages}`;
    const program = Bun.spawn([...near.ssh, `tar -C ${DAEMON.slice(0, DAEMON.lastIndexOf("/"))} -c berth`], {
      stdout: "pipe",
    });
    await Promise.all([
      machine.exec("sh", "-c", command),
      machine.unpack(program.stdout, DAEMON.slice(0, DAEMON.lastIndexOf("/"))),
    ]);
    for (const line of FAR_COMMANDS) {
      const { code, output } = await machine.exec("sh", "-c", line);
      if (code !== 0) throw new Error(`the second machine did not come to its containers: ${output}`);
    }
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

/** Not by wget, which a static busybox of Debian's does not survive where the C library's own modules are missing. */
const fetch = (address: string) => `printf "GET /hostname HTTP/1.0\\r\\n\\r\\n" | nc -w 20 ${address} 80`;

/** A network on the cable, a container there that answers (on the second machine), and one that asks. */
function onCable(
  name: string,
  { driver, parent, subnet }: { driver: string; parent: string; subnet: string },
) {
  const at = (last: number) => subnet.replace("0/24", String(last));
  return {
    create: `berth network create -d ${driver} -o parent=${parent} --subnet ${subnet} ${name} >/dev/null`,
    far: `berth run -d --name ${name}-far --network ${name} --ip ${at(20)} busybox httpd -f -h /etc`,
    ask: `berth run --rm --network ${name} --ip ${at(10)} busybox sh -c 'ping -c 2 -w 20 ${at(20)}; ${fetch(at(20))}'`,
    remove: `berth network rm ${name}`,
  };
}

const MACVLAN = onCable("lan", { driver: "macvlan", parent: "eth1", subnet: SUBNET });
// A device carries macvlan or ipvlan, not both: these are on a tag of their own.
const IPVLAN = onCable("shared", { driver: "ipvlan", parent: "eth1.60", subnet: "10.78.0.0/24" });
const TAGGED = onCable("tagged", { driver: "macvlan", parent: "eth1.50", subnet: "10.79.0.0/24" });
/** For the second machine: networks on the cable, and containers there that answer. */
export const FAR_COMMANDS = [
  "ip link set eth1 up",
  ...[MACVLAN, IPVLAN, TAGGED].flatMap(({ create, far }) => [create, far]),
];
const REACHED = /[1-9] packets received[\s\S]*^[0-9a-f]{12}$/m;

/** For the first machine, after its unit is installed, and beside the second. */
export const networks: Check[] = [
  {
    what: "macvlan: containers of two machines reach each other over the cable",
    command: `ip link set eth1 up; ${MACVLAN.create} && ${MACVLAN.ask}`,
    shows: REACHED,
  },
  {
    what: "macvlan on a VLAN that was made for it",
    command: `${TAGGED.create} && ip -d link show eth1.50 && ${TAGGED.ask}`,
    shows: /vlan protocol 802\.1Q id 50 [\s\S]*packets received[\s\S]*^[0-9a-f]{12}$/m,
  },
  {
    what: "ipvlan, with the parent's MAC address",
    command: `${IPVLAN.create} && test "$(berth run --rm --network shared busybox cat /sys/class/net/eth0/address)" = "$(cat /sys/class/net/eth1/address)" && echo the same && ${IPVLAN.ask}`,
    shows: /^the same\n[\s\S]*packets received[\s\S]*^[0-9a-f]{12}$/m,
  },
  {
    what: "without a parent: containers of one machine reach each other by their names, and nothing else",
    command: `berth network create -d macvlan alone >/dev/null && berth run -d --name answers --network alone busybox httpd -f -h /etc && berth run --rm --network alone busybox sh -c 'ip route; A=$(nslookup answers | sed -n "s/^Address: *\\(172.*\\)/\\1/p"); ${fetch("$A")}'; berth rm -f answers; berth network rm alone`,
    shows: /^[0-9a-f]{64}\n172\.\d+\.0\.0\/16 dev eth0 .*\n[\s\S]*^[0-9a-f]{12}\nanswers\nalone$/m,
  },
  {
    what: "kill -9 of the daemon with a container on the cable: it goes on answering, and starting again",
    command: `berth run -d --name stays --network lan --ip 10.77.0.11 busybox sleep 3000; systemctl kill --kill-whom=main -s KILL berth; sleep 5; berth exec stays ping -c 2 -w 20 10.77.0.20; berth restart -t 0 stays; berth exec stays ping -c 2 -w 20 10.77.0.20; berth rm -f stays`,
    shows: /[1-9] packets received[\s\S]*^stays\n[\s\S]*[1-9] packets received[\s\S]*^stays$/m,
  },
  {
    what: "what was made for the networks goes with them",
    command: `${MACVLAN.remove}; ${TAGGED.remove}; ${IPVLAN.remove}; ip -br link | grep -E 'eth1\\.|dm-|di-|btp' || echo clean`,
    shows: /^lan\ntagged\nshared\nclean$/m,
  },
];

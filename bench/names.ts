// Look-ups a second: a container asks its name server for another one on the same network.
import type { Benchmark, Setting } from "./benchmarks.ts";
import { giveBusybox } from "./busybox.ts";
import { command, type Host, output } from "./hosts.ts";
import { inTurn, type Sample } from "./measure.ts";

const CLIENT = new URL("name-client.ts", import.meta.url).pathname;
const SECONDS = 2;
const NETWORK = `berth-bench-names-${process.pid}`;
const [ASKER, ASKED] = [`${NETWORK}-asker`, `${NETWORK}-asked`];

async function lookUps(host: Host): Promise<number> {
  const pid = await output([host.cli, "inspect", "-f", "{{.State.Pid}}", ASKER], host.environment);
  const enter = ["nsenter", `--net=/proc/${pid}/ns/net`];
  return Number(await output([...enter, process.execPath, CLIENT, ASKED, String(SECONDS)]));
}

async function run(setting: Setting): Promise<Sample> {
  await giveBusybox(setting);
  const { ours, peer, rounds } = setting;
  const hosts = [ours, ...(peer ? [peer] : [])];
  try {
    for (const host of hosts) {
      await command(host, "network", "create", NETWORK);
      for (const name of [ASKER, ASKED])
        await command(host, "run", "-d", "--name", name, "--network", NETWORK, "busybox", "sleep", "3600");
    }
    return await inTurn(rounds, () => lookUps(ours), peer && (() => lookUps(peer)));
  } finally {
    for (const host of hosts) {
      await command(host, "rm", "-f", ASKER, ASKED);
      await command(host, "network", "rm", NETWORK);
    }
  }
}

export const nameBenchmarks: Benchmark[] = [
  {
    name: `network: look-ups of a container's name by another, for ${SECONDS} s`,
    unit: "/s",
    bar: "at least Docker's (aim: four times; the client takes as much of the machine as our server)",
    atLeastRatio: 1,
    run,
  },
];

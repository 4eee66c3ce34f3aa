// The networks of one daemon in a process of its own, driven by JSON lines: so that a test can kill it at any moment.
// Arguments: the root folder, the bridge's name, the config's differences as JSON.
import { createInterface } from "node:readline";
import type { NetworkingConfig } from "../../src/api/types/index.ts";
import type { HostEnvironment } from "../../src/base/environment.ts";
import { BerthError } from "../../src/base/errors.ts";
import { configureLog } from "../../src/base/log.ts";
import { nft, nftGeneration, nftList } from "../../src/linux/nftables.ts";
import {
  type NetworkRequest,
  type NetworksConfig,
  openNetworks,
  type SandboxRequest,
} from "../../src/networks/index.ts";
import { openStore } from "../../src/store/index.ts";

const [root = "", bridge = "", differences = "{}"] = process.argv.slice(2);
configureLog({ level: "warn" });
const config: NetworksConfig = {
  bridge,
  ipv6: false,
  defaultAddressPools: [],
  mtu: 1500,
  icc: true,
  ipForward: true,
  ipMasq: true,
  nftables: true,
  // No shim is here to carry anything.
  userlandProxy: false,
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  ...(JSON.parse(differences) as Partial<NetworksConfig>),
};
const environment: HostEnvironment = {
  paths: { dataRoot: `${root}/data`, execRoot: `${root}/run` },
  bridge,
  platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" },
  cgroups: { mode: "v2", manager: "cgroupfs" },
  idMapping: null,
  rootless: false,
  appArmor: false,
  kernel: { release: "", major: 6, minor: 1 },
};
const store = await openStore({ root: `${root}/data` });
let refusal: unknown;
const networks = (() => {
  try {
    return openNetworks({ store, config, environment });
  } catch (thrown) {
    refusal = thrown;
    return {} as never;
  }
})();

/** What a test can ask for. */
const methods = {
  reconcile: (alive: string[]) => networks.reconcile(new Set(alive)),
  check: (request: SandboxRequest) => networks.check(request),
  allocate: (request: SandboxRequest) => networks.allocate(request),
  realise: (id: string) => networks.realise(id),
  release: (id: string) => networks.release(id),
  create: (request: NetworkRequest) => networks.create(request),
  remove: (name: string) => networks.remove(networks.find(name)),
  connect: (id: string, name: string, all: NetworkingConfig) =>
    networks.connect(id, networks.find(name), all, () => () => {}),
  disconnect: (id: string, name: string, all: NetworkingConfig) =>
    networks.disconnect(id, networks.find(name), all, () => {}),
  status: (id: string) => networks.status(id) ?? null,
  inspect: (name: string) => networks.toApi(networks.find(name), { containers: true }),
  list: (filters: Record<string, string[]>) => networks.list(filters),
  nft: (commands: string) => nft(commands),
  nftList: (command: string) => nftList(command) ?? null,
  generation: () => nftGeneration(),
  /** Ends without any clean-up, after having answered nothing. */
  die: () => process.kill(process.pid, "SIGKILL"),
  close: async () => {
    await networks.close();
    await store.close();
    setTimeout(() => process.exit(0), 0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line) as {
    id: number;
    method: keyof typeof methods;
    args: never[];
  };
  let answer: object;
  try {
    if (refusal) throw refusal;
    const work = methods[method] as (...args: never[]) => unknown;
    answer = { id, result: (await work(...args)) ?? null };
  } catch (thrown) {
    const kind = thrown instanceof BerthError ? thrown.kind : "unexpected";
    answer = { id, error: thrown instanceof Error ? thrown.message : String(thrown), kind };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

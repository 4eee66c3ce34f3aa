// Networks: throughput and requests a second between containers and through published ports, beside Docker's and beside
// two plain namespaces joined by a veth pair (what the kernel gives); connecting; 500 published ports.
import { networkInterfaces } from "node:os";
import type { Benchmark, Setting } from "./benchmarks.ts";
import { command, type Host, output } from "./hosts.ts";
import { inTurn, median, type Sample } from "./measure.ts";
import { giveTools, tool } from "./network-base.ts";
import { type PlainPair, plainPair } from "./plain-namespaces.ts";

const IMAGE = "berth-bench-network";
const PREFIX = `berth-bench-network-${process.pid}`;
/** Seconds of each measurement, and how often it is taken. */
const SECONDS = 2;
const ROUNDS = 3;
const MANY = 500;
/** Host ports, so that both engines can publish at the same time: iperf3, HTTP, and the first of many. */
const PORTS = { ours: [21_001, 21_002, 23_000], peer: [22_001, 22_002, 24_000] } as const;
type Side = keyof typeof PORTS;

const ownAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === "IPv4")?.address ?? "127.0.0.1";

const web = (port: number): string[] => [
  "sh",
  "-c",
  `printf '%s' 'worker_processes 1; daemon off; pid /tmp/pid; error_log /dev/null; events { worker_connections 1024; }
   http { access_log off; keepalive_requests 1000000; server { listen ${port}; location / { return 200 "ok"; } } }' > /tmp/nginx.conf
   exec nginx -c /tmp/nginx.conf`,
];

/** `ask(...args)` runs iperf3's client somewhere; MB a second that it sent. */
const iperf = (address: string, port: number) => [
  "iperf3",
  "--client",
  address,
  "--port",
  String(port),
  "--time",
  String(SECONDS),
  "--json",
];
function throughputOf(json: string): number {
  const { end } = JSON.parse(json) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 8e6;
}

const wrk = (address: string, port: number) => [
  "wrk",
  "--threads",
  "1",
  "--connections",
  "16",
  "--duration",
  `${SECONDS}s`,
  `http://${address}:${port}/`,
];
const requestsOf = (text: string): number => Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);

/** A network, an iperf3 server, an HTTP server and a client on it. */
async function withServers(host: Host, side: Side, work: (address: string) => Promise<void>): Promise<void> {
  const [iperfPort, webPort] = PORTS[side];
  const names = ["iperf", "web", "client"].map((name) => `${PREFIX}-${name}`);
  const [throughput = "", http = "", client = ""] = names;
  const run = (name: string, ...rest: string[]) =>
    command(host, "run", "-d", "--network", PREFIX, "--name", name, ...rest);
  try {
    await command(host, "network", "create", PREFIX);
    await run(throughput, "-p", `${iperfPort}:5201`, IMAGE, "iperf3", "--server");
    await run(http, "-p", `${webPort}:80`, IMAGE, ...web(80));
    await run(client, IMAGE, "sleep", "3600");
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const address = await output([host.cli, "inspect", "-f", format, throughput], host.environment);
    await Bun.sleep(500);
    await work(address);
  } finally {
    await command(host, "rm", "-f", ...names).catch(() => {});
    await command(host, "network", "rm", PREFIX).catch(() => {});
  }
}

type Figure = "between" | "localhost" | "own" | "requests" | "requests-own";
type Figures = Record<Figure, number[]>;
const none = (): Figures => ({ between: [], localhost: [], own: [], requests: [], "requests-own": [] });

async function measureEngine(host: Host, side: Side, address: string, into: Figures): Promise<void> {
  const [iperfPort, webPort] = PORTS[side];
  const own = ownAddress();
  const inside = [host.cli, "exec", `${PREFIX}-client`, ...iperf(address, 5201)];
  into.between.push(throughputOf(await output(inside, host.environment)));
  into.localhost.push(throughputOf(await output(tool(iperf("127.0.0.1", iperfPort)))));
  into.own.push(throughputOf(await output(tool(iperf(own, iperfPort)))));
  into.requests.push(requestsOf(await output(tool(wrk("127.0.0.1", webPort)))));
  into["requests-own"].push(requestsOf(await output(tool(wrk(own, webPort)))));
}

async function measurePlain({ one, two, address }: PlainPair, into: Figures): Promise<void> {
  await using _iperf = server(tool(["iperf3", "--server"], two));
  await using _web = server(tool(web(80), two));
  await Bun.sleep(500);
  const throughput = throughputOf(await output(tool(iperf(address, 5201), one)));
  const requests = requestsOf(await output(tool(wrk(address, 80), one)));
  for (const figure of ["between", "localhost", "own"] as const) into[figure].push(throughput);
  for (const figure of ["requests", "requests-own"] as const) into[figure].push(requests);
}

function server(words: string[]): AsyncDisposable {
  const child = Bun.spawn(words, { stdout: "ignore", stderr: "ignore" });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

let measured: Promise<Record<Side | "plain", Figures>> | undefined;

/** All of the traffic's figures, in turn, once for all benchmarks of a run. */
function traffic(setting: Setting): Promise<Record<Side | "plain", Figures>> {
  measured ??= measureTraffic(setting);
  return measured;
}

async function measureTraffic(setting: Setting): Promise<Record<Side | "plain", Figures>> {
  await giveTools(setting, IMAGE);
  const figures = { ours: none(), peer: none(), plain: none() };
  const { ours, peer } = setting;
  await using pair = await plainPair();
  await withServers(ours, "ours", async (ourAddress) => {
    const rounds = async (peerAddress?: string) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await measureEngine(ours, "ours", ourAddress, figures.ours);
        if (peer && peerAddress) await measureEngine(peer, "peer", peerAddress, figures.peer);
        await measurePlain(pair, figures.plain);
      }
    };
    if (peer) await withServers(peer, "peer", rounds);
    else await rounds();
  });
  return figures;
}

const TRAFFIC: [Figure, string, Benchmark["unit"]][] = [
  ["between", "throughput from container to container", "MB/s"],
  ["localhost", "throughput to a published port by localhost", "MB/s"],
  ["own", "throughput to a published port by the host's address", "MB/s"],
  ["requests", "requests to a published port by localhost", "/s"],
  ["requests-own", "requests to a published port by the host's address", "/s"],
];

/** Time of both commands of a pair, after another that isn't counted. */
async function connecting(setting: Setting, verb: "connect" | "disconnect"): Promise<Sample> {
  await giveTools(setting, IMAGE);
  const hosts = [setting.ours, ...(setting.peer ? [setting.peer] : [])];
  const other = verb === "connect" ? "disconnect" : "connect";
  const once = async (host: Host) => {
    if (verb === "disconnect") await command(host, "network", other, PREFIX, PREFIX);
    const took = await command(host, "network", verb, PREFIX, PREFIX);
    if (verb === "connect") await command(host, "network", other, PREFIX, PREFIX);
    return took;
  };
  try {
    for (const host of hosts) {
      await command(host, "network", "create", PREFIX);
      await command(host, "run", "-d", "--name", PREFIX, IMAGE, "sleep", "3600");
    }
    const { ours, peer, rounds } = setting;
    return await inTurn(rounds, () => once(ours), peer && (() => once(peer)));
  } finally {
    for (const host of hosts) {
      await command(host, "rm", "-f", PREFIX).catch(() => {});
      await command(host, "network", "rm", PREFIX).catch(() => {});
    }
  }
}

interface Many {
  /** Milliseconds of `run -d`. */
  started: number[];
  /** Requests a second to the last port. */
  requests: number[];
}

async function measureMany(host: Host, side: Side): Promise<Many> {
  const first = PORTS[side][2];
  const last = first + MANY - 1;
  const inside = 8_000 + MANY - 1;
  const published = `${first}-${last}:8000-${inside}`;
  try {
    const started = await command(
      host,
      "run",
      "-d",
      "--name",
      PREFIX,
      "-p",
      published,
      IMAGE,
      ...web(inside),
    );
    await Bun.sleep(500);
    return { started: [started], requests: [requestsOf(await output(tool(wrk("127.0.0.1", last))))] };
  } finally {
    await command(host, "rm", "-f", PREFIX).catch(() => {});
  }
}

let manyMeasured: Promise<Record<Side, Many>> | undefined;

/** Once for all benchmarks of a run: Docker starts a thousand proxies for it, which takes a minute. */
function many(setting: Setting): Promise<Record<Side, Many>> {
  manyMeasured ??= (async () => {
    await giveTools(setting, IMAGE);
    const ours = await measureMany(setting.ours, "ours");
    const peer = setting.peer ? await measureMany(setting.peer, "peer") : { started: [], requests: [] };
    return { ours, peer };
  })();
  return manyMeasured;
}

const ofMany = async (setting: Setting, figure: keyof Many): Promise<Sample> => {
  const { ours, peer } = await many(setting);
  return { ours: ours[figure], peer: peer[figure] };
};

export const networkBenchmarks: Benchmark[] = [
  ...TRAFFIC.flatMap(([figure, what, unit]): Benchmark[] => [
    {
      name: `network: ${what}`,
      unit,
      bar: "at least Docker's",
      atLeastRatio: 1,
      async run(setting) {
        const { ours, peer } = await traffic(setting);
        return { ours: ours[figure], peer: peer[figure] };
      },
    },
    {
      name: `network: the same, beside plain namespaces`,
      unit,
      bar: figure === "between" ? "at least 0.95 of the kernel's" : "for comparison",
      atLeastRatio: figure === "between" ? 0.95 : 0,
      async run(setting) {
        const { ours, plain } = await traffic(setting);
        return { ours: ours[figure], peer: [median(plain[figure])] };
      },
    },
  ]),
  {
    name: "network: `network connect` of a running container",
    unit: "ms",
    bar: "at most Docker's",
    run: (setting) => connecting(setting, "connect"),
  },
  {
    name: "network: `network disconnect`",
    unit: "ms",
    bar: "at most Docker's",
    run: (setting) => connecting(setting, "disconnect"),
  },
  {
    name: `network: \`run -d\` with ${MANY} published ports`,
    unit: "ms",
    bar: "at most a quarter of Docker's",
    atMostRatio: 0.25,
    run: (setting) => ofMany(setting, "started"),
  },
  {
    name: `network: requests to the last of ${MANY} published ports`,
    unit: "/s",
    bar: "at least Docker's",
    atLeastRatio: 1,
    run: (setting) => ofMany(setting, "requests"),
  },
];

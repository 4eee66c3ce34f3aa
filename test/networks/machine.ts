// A machine for network tests: a network and a mount namespace of its own, kept by one sleeping process, so that rules
// can be flushed and daemons killed without anybody else noticing. All in it goes with that process.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { Subprocess } from "bun";
import type { Failpoint } from "../../src/base/failpoint.ts";
import { addAddress } from "../../src/linux/netlink/address.ts";
import { addVeth, findLink, setLink } from "../../src/linux/netlink/link.ts";
import { addRoute } from "../../src/linux/netlink/route.ts";
import { openRoute } from "../../src/linux/netlink/socket.ts";
import { inNamespace } from "../../src/linux/netns.ts";
import type {
  NetworksConfig,
  RealisedSandbox,
  SandboxRequest,
  SandboxStatus,
} from "../../src/networks/index.ts";

/** Milliseconds for a process to say its first word: Bun's start on a busy machine. */
const START = 20_000;
const DAEMON = new URL("daemon-process.ts", import.meta.url).pathname;
const TALKER = new URL("talker.ts", import.meta.url).pathname;

type Piped = Subprocess<"pipe", "pipe", "inherit">;

/** The first line that a process writes. */
async function firstLine(stream: ReadableStream<Uint8Array>, what: string): Promise<void> {
  const reader = stream.getReader();
  const late = Bun.sleep(START).then(() => "late" as const);
  const read = await Promise.race([reader.read(), late]);
  reader.releaseLock();
  if (read === "late" || read.done) throw new Error(`${what} said nothing`);
}

/** Another host: a network namespace kept by a sleeping process. */
export interface Host extends AsyncDisposable {
  pid: number;
  /** Path of its network namespace. */
  namespace: string;
}

export async function startHost(...namespaces: string[]): Promise<Host> {
  const child = Bun.spawn(["unshare", ...namespaces, "sh", "-c", "echo ready; exec sleep 100000"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  await firstLine(child.stdout, "a namespace's keeper");
  const namespace = `/proc/${child.pid}/ns/net`;
  inNamespace(namespace, () => {
    using socket = openRoute();
    setLink(socket, 1, { up: true });
  });
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return { pid: child.pid, namespace, [Symbol.asyncDispose]: end };
}

/** Runs a command in a network namespace, and gives its output; throws with what it said when it fails. */
async function talk(namespace: string, ...args: string[]): Promise<string> {
  const child = Bun.spawn(["nsenter", `--net=${namespace}`, process.execPath, TALKER, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(error.trim() || `exit ${code}`);
  return out.trim();
}

export const ask = (namespace: string, protocol: "tcp" | "udp", address: string, port: number, source = "") =>
  talk(namespace, "ask", protocol, address, String(port), ...(source ? [source] : []));

/**
 * As ask, tried again for a while: a bridge's first carrier is told to IPv6 by the kernel's link watch, at most once a
 * second (net/core/link_watch.c), and until then its neighbours aren't asked for.
 */
export async function reach(...args: Parameters<typeof ask>): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask(...args);
    } catch (problem) {
      if (tries === 3) throw problem;
    }
  }
}

/** A server in a network namespace that answers with `name` and who asked. */
export async function serve(
  namespace: string,
  protocol: "tcp" | "udp",
  port: number,
  name: string,
  address = "0.0.0.0",
): Promise<AsyncDisposable> {
  const child = Bun.spawn(
    [
      "nsenter",
      `--net=${namespace}`,
      process.execPath,
      TALKER,
      "serve",
      protocol,
      address,
      String(port),
      name,
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  await firstLine(child.stdout, `the server ${name}`);
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

export function request(containerId: string, differences: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    containerId,
    containerName: `name-${containerId}`,
    networkMode: "default",
    portBindings: {},
    exposedPorts: [],
    publishAll: false,
    hostname: containerId,
    extraHosts: [],
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
    ...differences,
  };
}

export interface Daemon extends AsyncDisposable {
  readonly bridge: string;
  readonly root: string;
  call<T = unknown>(method: string, ...args: unknown[]): Promise<T>;
  /** Allocates and realises; gives the container's address and namespace, as the test's own process sees it. */
  start(id: string, differences?: Partial<SandboxRequest>): Promise<Container>;
  /** Ends with all of its memory, at once. */
  kill(): Promise<void>;
  /** A new process on the same root; `failpoint` names where it is to end by itself. */
  restart(failpoint?: Failpoint): Promise<void>;
}

export interface Container {
  id: string;
  address: string;
  ipv6: string;
  namespace: string;
  realised: RealisedSandbox;
  status: SandboxStatus;
}

class DaemonProcess implements Daemon {
  private child: Piped | undefined;
  private reading: Promise<void> | undefined;
  private next = 1;
  private readonly waiting = new Map<
    number,
    (answer: { result?: unknown; error?: string; kind?: string }) => void
  >();

  constructor(
    private readonly host: Host,
    readonly root: string,
    readonly bridge: string,
    private readonly config: Partial<NetworksConfig>,
  ) {}

  async restart(failpoint?: Failpoint): Promise<void> {
    // One that was asked to close is on its way out, and still has the data root's lock.
    await this.child?.exited;
    await this.reading;
    const child: Piped = Bun.spawn(
      [
        "nsenter",
        "--target",
        String(this.host.pid),
        "--net",
        "--mount",
        process.execPath,
        DAEMON,
        this.root,
        this.bridge,
        JSON.stringify(this.config),
      ],
      {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
        env: { ...process.env, ...(failpoint && { BERTH_FAILPOINT: failpoint }) },
      },
    );
    this.child = child;
    this.reading = this.read(child);
  }

  private async read(child: Piped): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const answer = JSON.parse(line) as { id: number; result?: unknown; error?: string; kind?: string };
        this.waiting.get(answer.id)?.(answer);
        this.waiting.delete(answer.id);
      }
    }
    for (const [id, settle] of this.waiting) {
      this.waiting.delete(id);
      settle({ error: "the daemon ended", kind: "ended" });
    }
  }

  async call<T>(method: string, ...args: unknown[]): Promise<T> {
    const { child } = this;
    if (!child) throw new Error("the daemon does not run");
    const id = this.next++;
    const answer = new Promise<{ result?: unknown; error?: string; kind?: string }>((resolve) => {
      this.waiting.set(id, resolve);
    });
    child.stdin.write(`${JSON.stringify({ id, method, args })}\n`);
    child.stdin.flush();
    const { result, error, kind } = await answer;
    if (error !== undefined) throw Object.assign(new Error(error), { kind });
    return result as T;
  }

  async start(id: string, differences: Partial<SandboxRequest> = {}): Promise<Container> {
    await this.call("allocate", request(id, differences));
    const realised = await this.call<Container["realised"]>("realise", id);
    const status = await this.call<SandboxStatus>("status", id);
    const endpoint = Object.values(status.endpoints)[0];
    return {
      id,
      address: endpoint?.IPAddress ?? "",
      ipv6: endpoint?.GlobalIPv6Address ?? "",
      // The pin is a mount of the machine's.
      namespace: realised.namespace
        ? `/proc/${this.host.pid}/root${realised.namespace}`
        : this.host.namespace,
      realised,
      status,
    };
  }

  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.child?.exited;
    this.child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A daemon's networks in the network namespace of the test itself: whoever asks for it closes it. */
export async function hostDaemon(root: string, config: Partial<NetworksConfig> = {}): Promise<Daemon> {
  const namespace = `/proc/${process.pid}/ns/net`;
  const here: Host = { pid: process.pid, namespace, [Symbol.asyncDispose]: async () => {} };
  const daemon = new DaemonProcess(here, root, randomBridge(), config);
  await daemon.restart();
  await daemon.call("reconcile", []);
  return daemon;
}

export interface Machine extends Host {
  /** Its own address in the outside network, and the other host's. */
  readonly address: string;
  readonly outside: Host & { address: string };
  daemon(config?: Partial<NetworksConfig>, bridge?: string): Promise<Daemon>;
  /** Runs a tool there; throws when it fails. */
  run(...command: string[]): string;
}

const OUTSIDE = {
  ours: "198.51.100.2",
  theirs: "198.51.100.1",
  ours6: "2001:db8::2",
  theirs6: "2001:db8::1",
};
export const randomBridge = () => `bt${randomBytes(5).toString("hex")}`;

/** A machine with one uplink, to another host that has no route back to its containers. */
export async function startMachine(): Promise<Machine> {
  const stack = new AsyncDisposableStack();
  const host = stack.use(await startHost("--net", "--mount"));
  const other = stack.use(await startHost("--net"));
  const root = mkdtempSync("/var/tmp/berth-test-");
  stack.defer(() => rmSync(root, { recursive: true, force: true }));
  cable(host, other);
  let daemons = 0;
  return {
    ...host,
    address: OUTSIDE.ours,
    outside: { ...other, address: OUTSIDE.theirs },
    async daemon(config = {}, bridge = randomBridge()) {
      const daemon = new DaemonProcess(host, `${root}/${++daemons}`, bridge, config);
      stack.use(daemon);
      await daemon.restart();
      await daemon.call("reconcile", []);
      return daemon;
    },
    run(...command) {
      const done = Bun.spawnSync(["nsenter", "--target", String(host.pid), "--net", "--mount", ...command]);
      if (done.exitCode !== 0) throw new Error(`${command.join(" ")}: ${done.stderr.toString().trim()}`);
      return done.stdout.toString();
    },
    // The root's mounts are the machine's own, and gone with it.
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function cable(machine: Host, other: Host): void {
  const device = "uplink0";
  inNamespace(other.namespace, (otherFd) => {
    using outside = openRoute();
    inNamespace(machine.namespace, () => {
      using inside = openRoute();
      addVeth(inside, { name: device }, { name: device, namespaceFd: otherFd });
      const index = findLink(inside, device)?.index ?? 0;
      addAddress(inside, { index, address: OUTSIDE.ours, prefix: 24 });
      addAddress(inside, { index, address: OUTSIDE.ours6, prefix: 64 });
      setLink(inside, index, { up: true });
      addRoute(inside, { gateway: OUTSIDE.theirs, device: index });
      addRoute(inside, { gateway: OUTSIDE.theirs6, device: index });
    });
    const index = findLink(outside, device)?.index ?? 0;
    addAddress(outside, { index, address: OUTSIDE.theirs, prefix: 24 });
    addAddress(outside, { index, address: OUTSIDE.theirs6, prefix: 64 });
    setLink(outside, index, { up: true });
  });
}

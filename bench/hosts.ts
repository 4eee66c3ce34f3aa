// The two engines of a run: a Berth daemon with scratch roots, and a Docker daemon where there is one.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { timeProcess } from "./measure.ts";

export interface Host {
  /** The client's command, and the environment that leads it to the daemon. */
  cli: string;
  environment: Record<string, string>;
  socket: string;
}

export interface OurHost extends Host, AsyncDisposable {
  dataRoot: string;
  execRoot: string;
}

/** Milliseconds for a daemon to answer or to end. */
const PATIENCE = 15_000;

/** Our daemon, built, with roots and a bridge of its own. */
export async function startBerth(): Promise<OurHost> {
  const cli = new URL("../dist/berth", import.meta.url).pathname;
  const folder = mkdtempSync("/var/tmp/berth-bench-");
  const socket = join(folder, "berth.sock");
  const dataRoot = join(folder, "data");
  const execRoot = join(folder, "run");
  const daemon = Bun.spawn(
    [
      cli,
      "daemon",
      "--data-root",
      dataRoot,
      "--exec-root",
      execRoot,
      "--pidfile",
      join(folder, "pid"),
      "--bridge",
      `bb${process.pid}`,
      "-H",
      `unix://${socket}`,
    ],
    { stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(folder, "daemon.log")) },
  );
  const until = Date.now() + PATIENCE;
  while (!existsSync(socket)) {
    if (Date.now() > until || daemon.exitCode !== null)
      throw new Error(`the daemon did not start: ${await Bun.file(join(folder, "daemon.log")).text()}`);
    await Bun.sleep(20);
  }
  return {
    cli,
    socket,
    dataRoot,
    execRoot,
    environment: { DOCKER_HOST: `unix://${socket}` },
    async [Symbol.asyncDispose]() {
      daemon.kill("SIGTERM");
      await daemon.exited;
      await Bun.spawn(["ip", "link", "del", `bb${process.pid}`], { stderr: "ignore" }).exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Docker, when `BERTH_PEER` (or its usual socket) answers; else undefined, and the caller says so. */
export async function findPeer(): Promise<Host | undefined> {
  const socket = process.env.BERTH_PEER ?? "/var/run/docker.sock";
  const cli = process.env.BERTH_PEER_CLI ?? Bun.which("docker") ?? "";
  if (!cli || !existsSync(socket)) return undefined;
  try {
    await fetch("http://docker/_ping", { unix: socket });
  } catch {
    return undefined;
  }
  return { cli, socket, environment: { DOCKER_HOST: `unix://${socket}`, ...pluginsOf(cli) } };
}

/** A client that is not installed on this host finds its plugins (buildx) by a configuration that names their folder. */
function pluginsOf(cli: string): Record<string, string> {
  const folder = join(dirname(dirname(cli)), "libexec/docker/cli-plugins");
  if (folder.startsWith("/usr/") || !existsSync(folder)) return {};
  const config = join(tmpdir(), `berth-bench-config-${process.pid}`);
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, "config.json"), JSON.stringify({ cliPluginsExtraDirs: [folder] }));
  process.on("exit", () => rmSync(config, { recursive: true, force: true }));
  return { DOCKER_CONFIG: config };
}

/** A command of a host's client; milliseconds. Errors: what it said. */
export const command = (host: Host, ...args: string[]) => timeProcess([host.cli, ...args], host.environment);

/** What a program prints. Errors: its exit status, with what it said. */
export async function output(words: string[], environment: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(words, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...environment },
  });
  const [text, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${error || text}`);
  return text.trim();
}

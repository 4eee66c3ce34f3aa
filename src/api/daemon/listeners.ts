// The daemon's listeners: unix sockets, TCP with or without TLS, and sockets that a parent opened (systemd's activation,
// sd_listen_fds(3)). What arrives is handed to the API's HTTP server.

import { lookup } from "node:dns/promises";
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer, isIP, type Server } from "node:net";
import { dirname } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import type { DaemonConfig } from "../../engine/types.ts";
import type { ApiServer } from "../server.ts";
import { formatHost, type Host, parseHost } from "./hosts.ts";
import { readTlsFiles } from "./tls.ts";

/** First inherited descriptor: SD_LISTEN_FDS_START. */
const FIRST_INHERITED = 3;

export interface Listener {
  /** As `info` and the log show it. */
  readonly address: string;
  close(): Promise<void>;
}

/** Opens all of the configuration's hosts; closes what it opened when one fails. */
export async function listen(
  config: DaemonConfig,
  api: ApiServer,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Listener[]> {
  const open: Listener[] = [];
  try {
    for (const text of config.hosts) {
      const host = parseHost(text, { socket: "", tls: false });
      try {
        if (host.kind === "unix") open.push(await listenUnix(host.path, config.group, api));
        else if (host.kind === "tcp") open.push(await listenTcp(host, config, api));
        else open.push(...(await listenInherited(host.which, config, api, environment)));
      } catch (error) {
        throw new Error(`failed to load listeners: ${messageOf(error)}`, { cause: error });
      }
    }
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
  return open;
}

async function listenUnix(path: string, group: string, api: ApiServer): Promise<Listener> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  await removeStaleSocket(path);
  const gid = groupId(group);
  if (gid === undefined && group !== "" && group !== "docker")
    throw new Error(`can't create unix socket ${path}: group ${group} not found`);
  if (gid === undefined && group !== "")
    log.debug("no such group: the socket is root's alone", { group, socket: path });
  const server = api.createListener();
  // Nobody may connect between bind and chmod.
  const mask = process.umask(0o777);
  try {
    await started(server, () => server.listen(path));
  } finally {
    process.umask(mask);
  }
  chownSync(path, 0, gid ?? 0);
  chmodSync(path, 0o660);
  const { ino } = lstatSync(path);
  return {
    address: path,
    async close() {
      // Another daemon may have taken the path meanwhile: then the file is its own.
      const mine = lstatSync(path, { throwIfNoEntry: false })?.ino === ino;
      await closed(server);
      if (mine) rmSync(path, { force: true });
    },
  };
}

/** Milliseconds before a socket that accepts counts as another daemon's. */
const PATIENCE = 1_000;

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

/** A file that nobody accepts on any more goes away; one that somebody serves is refused. */
async function removeStaleSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket())
    throw new Error(`can't create unix socket ${path}: a file that is no socket is there`);
  // A daemon that was killed while it started a process may live on for a moment in that one's copy of its sockets.
  let served = await isServed(path);
  for (const until = Date.now() + PATIENCE; served && Date.now() < until; served = await isServed(path))
    await Bun.sleep(50);
  if (served)
    throw new Error(
      `can't create unix socket ${path}: another process serves it (is a daemon running already? take another path with -H)`,
    );
  rmSync(path, { force: true });
}

async function listenTcp(
  host: Extract<Host, { kind: "tcp" }>,
  config: DaemonConfig,
  api: ApiServer,
): Promise<Listener> {
  const shown = formatHost(host);
  const authenticated = config.tls.enabled && config.tls.verify;
  if (!authenticated) {
    if (!config.allowInsecureTcp && !(await isLoopback(host.address)))
      throw new Error(
        `refusing to serve ${shown} without client certificates: whoever reaches that address would be root on this machine. ` +
          "Give --tlsverify with --tlscacert, --tlscert and --tlskey, bind to 127.0.0.1, or say --allow-insecure-tcp",
      );
    log.warn(
      "Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to it.",
      { host: shown },
    );
  }
  const server = api.createListener(config.tls.enabled ? readTlsFiles(config.tls) : undefined);
  await started(server, () => server.listen(host.port, host.address));
  return { address: shown.replace("tcp://", ""), close: () => closed(server) };
}

async function isLoopback(address: string): Promise<boolean> {
  const local = (ip: string) => ip.startsWith("127.") || ip === "::1" || ip.startsWith("::ffff:127.");
  if (isIP(address)) return local(address);
  const found = await lookup(address, { all: true }).catch(() => []);
  return found.length > 0 && found.every((entry) => local(entry.address));
}

/** Sockets that the parent opened for us: LISTEN_PID has to be this process, LISTEN_FDS their number. */
async function listenInherited(
  which: string,
  config: DaemonConfig,
  api: ApiServer,
  environment: NodeJS.ProcessEnv,
): Promise<Listener[]> {
  const count = Number(environment.LISTEN_PID) === process.pid ? Number(environment.LISTEN_FDS || 0) : 0;
  if (!Number.isInteger(count) || count < 1)
    throw new Error("no sockets found via socket activation: make sure the service was started by systemd");
  let descriptors = Array.from({ length: count }, (_, at) => FIRST_INHERITED + at);
  if (which !== "" && which !== "*") {
    const wanted = Number(which);
    if (!Number.isInteger(wanted))
      throw new Error(`failed to parse systemd fd address: should be a number: ${which}`);
    if (!descriptors.includes(wanted)) throw new Error("too few socket activated files passed in by systemd");
    descriptors = [wanted];
  }
  if (config.tls.enabled)
    throw new Error("TLS on inherited sockets is not implemented in Berth: use -H tcp://… for TLS");
  return Promise.all(
    descriptors.map(async (fd) => {
      // Bun's own HTTP listener does not take a descriptor; its plain one does.
      const server = createServer({ allowHalfOpen: true }, api.accept);
      await started(server, () => server.listen({ fd }));
      return { address: `fd://${fd}`, close: () => closed(server) };
    }),
  );
}

function started(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      server.on("error", (error) => log.error("ServeAPI error", { error: messageOf(error) }));
      resolve();
    });
    begin();
  });
}

/** Stops accepting; connections that are open go on. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => undefined);
    resolve();
  });
}

/** Id of a group by name or number, from /etc/group; undefined where there is none. */
function groupId(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  let text = "";
  try {
    text = readFileSync("/etc/group", "utf8");
  } catch {
    return undefined; // a host without that file has no named groups
  }
  for (const line of text.split("\n")) {
    const [group, , id] = line.split(":");
    if (group === name && id) return Number(id);
  }
  return undefined;
}

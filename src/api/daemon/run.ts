// The daemon's life: configuration, listeners (early, so that clients find it), engine, signals, end.
import { mkdirSync } from "node:fs";
import { COMMIT, VERSION } from "../../base/build.ts";
import { messageOf } from "../../base/errors.ts";
import { configureLog, log } from "../../base/log.ts";
import type { DaemonConfig, Engine } from "../../engine/types.ts";
import { createRouter } from "../routes.ts";
import { type ApiServer, createApiServer } from "../server.ts";
import { checkOldestVersion } from "../versions.ts";
import {
  type CommandLine,
  configOf,
  mergeSettings,
  parseCommandLine,
  readConfigFile,
  UsageError,
} from "./config.ts";
import { type Listener, listen } from "./listeners.ts";
import { writePidFile } from "./pidfile.ts";
import { reload } from "./reload.ts";
import { usage } from "./usage.ts";

/** Milliseconds that requests get to end once the daemon stops. */
const GRACE = 5_000;

/** Runs the daemon until it is told to stop; the result is the process's exit status. `program` is how it was called. */
export async function runDaemon(args: string[], program: string): Promise<number> {
  let line: CommandLine;
  let config: DaemonConfig;
  try {
    line = parseCommandLine(args, program);
    if (line.settings.get("help") === true) {
      process.stdout.write(usage(program));
      return 0;
    }
    if (line.settings.get("version") === true) {
      process.stdout.write(`Berth version ${VERSION}, build ${COMMIT}\n`);
      return 0;
    }
    config = configOf(mergeSettings(line.settings, readConfigFile(line)));
    if (line.settings.get("validate") === true) {
      process.stderr.write("configuration OK\n");
      return 0;
    }
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return error instanceof UsageError ? 125 : 1;
  }
  configureLog({ level: config.debug ? "debug" : config.logLevel, format: config.logFormat });
  try {
    await serve(config, line);
    return 0;
  } catch (error) {
    process.stderr.write(
      `failed to start daemon: ${messageOf(error).replace(/^failed to start daemon, /, "")}\n`,
    );
    log.debug("start failed", { stack: error instanceof Error ? error.stack : undefined });
    return 1;
  }
}

async function serve(config: DaemonConfig, line: CommandLine): Promise<void> {
  log.info("Starting up");
  if (process.geteuid?.() !== 0)
    throw new Error("the daemon needs to be started with root privileges (sudo)");
  process.umask(0o022);
  const oldestVersion = checkOldestVersion(process.env.DOCKER_MIN_API_VERSION);
  setProxies(config);
  mkdirSync(config.execRoot, { recursive: true, mode: 0o711 });
  outliveStrayRejections();
  const stop = stopSignal();
  const pidFile = config.pidfile === "" ? undefined : writePidFile(config.pidfile);
  let listeners: Listener[] = [];
  let engine: Engine | undefined;
  try {
    const starting = Promise.withResolvers<Engine>();
    starting.promise.catch(() => undefined); // waited for by requests, if there are any
    const server = createApiServer({
      router: createRouter(),
      engine: starting.promise,
      experimental: () => config.experimental === true,
      oldestVersion,
    });
    listeners = await listen(config, server);
    for (const { address } of listeners) log.info("API listen on", { address });
    const rooms = await import("../../engine/index.ts");
    try {
      engine = await rooms.startEngine(config);
    } catch (error) {
      starting.reject(error);
      throw error;
    }
    starting.resolve(engine);
    log.info("Daemon has completed initialization");
    const reloads = onHangup(engine, line);
    await stop;
    await shutDown(listeners, server, reloads);
    await within(config.shutdownTimeout * 1000, rooms.stopEngine(engine), "closing the engine");
    log.info("Daemon shutdown complete");
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
    pidFile?.remove();
  }
}

/** One piece of work that failed unseen is a bug to be reported, but no reason to cut off everybody else's. */
function outliveStrayRejections(): void {
  process.on("unhandledRejection", (error) => {
    log.error("a failure that nobody waited for", {
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  });
}

/** Resolves at the first SIGTERM or SIGINT; the third ends the process at once, as dockerd does. */
function stopSignal(): Promise<void> {
  let count = 0;
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      count++;
      log.info("Processing signal", { signal });
      if (count >= 3) {
        log.warn("Forcing daemon shutdown without cleanup on third interrupt");
        process.exit(128 + (signal === "SIGINT" ? 2 : 15));
      }
      resolve();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    // A journal that restarts closes our standard error.
    process.on("SIGPIPE", () => undefined);
  });
}

/** Reloads one after the other; what is returned waits for the last. */
function onHangup(engine: Engine, line: CommandLine): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  process.on("SIGHUP", () => {
    last = last
      .then(() => reload(engine, line))
      .catch((error) => {
        log.error("Error reloading configuration", { error: messageOf(error) });
      });
  });
  return () => last;
}

async function shutDown(
  listeners: Listener[],
  server: ApiServer,
  reloads: () => Promise<void>,
): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()));
  await reloads();
  const until = Date.now() + GRACE;
  // Streams that have no end of their own (events, attach) don't hold the daemon up.
  server.beginClosing();
  while (server.active > 0 && Date.now() < until) await Bun.sleep(10);
  server.closeConnections();
}

async function within(milliseconds: number, work: Promise<void>, what: string): Promise<void> {
  if (milliseconds < 0) return work;
  const late = Symbol();
  const result = await Promise.race([work, Bun.sleep(milliseconds).then(() => late)]);
  if (result === late) log.error("Force shutdown daemon", { what });
}

/** What the daemon itself fetches goes through these. */
function setProxies(config: DaemonConfig): void {
  const set = (name: string, value: string | undefined) => {
    if (!value) return;
    process.env[name] = value;
    process.env[name.toLowerCase()] = value;
  };
  set("HTTP_PROXY", config.proxies?.http);
  set("HTTPS_PROXY", config.proxies?.https);
  set("NO_PROXY", config.proxies?.no);
}

// SIGHUP: reads daemon.json again and takes over what can change while the daemon runs (moby daemon/reload.go), in whole or
// not at all; then brings the kernel's side of the networks back in line.
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { configureLog, log } from "../../base/log.ts";
import { isRunning } from "../../containers/index.ts";
import type { DaemonConfig, Engine } from "../../engine/types.ts";
import { type CommandLine, configOf, mergeSettings, readConfigFile, type Settings } from "./config.ts";

/** Taken only when the file says something about it; what it no longer says stays. */
const KEPT = {
  debug: "debug",
  label: "labels",
  "insecure-registry": "insecureRegistries",
  "registry-mirror": "registryMirrors",
  "shutdown-timeout": "shutdownTimeout",
  "live-restore": "liveRestore",
  "default-runtime": "defaultRuntime",
  "add-runtime": "runtimes",
} as const;
/** Back to flag or default when the file says nothing. */
const RESET = ["maxConcurrentDownloads", "maxConcurrentUploads", "maxDownloadAttempts", "features"] as const;

/** The record that all rooms hold is changed in place: they read it when they need it. Throws what a start would refuse. */
export function applyReload(config: DaemonConfig, file: Settings, flags: Settings): Record<string, string> {
  const next = configOf(mergeSettings(flags, file));
  const changes: Partial<DaemonConfig> = {};
  for (const [flag, field] of Object.entries(KEPT))
    if (file.has(flag)) Object.assign(changes, { [field]: next[field] });
  for (const field of RESET) Object.assign(changes, { [field]: next[field] });
  Object.assign(config, changes);
  return {
    debug: String(config.debug),
    "default-cgroupns-mode":
      config.defaultCgroupnsMode ?? (existsSync("/sys/fs/cgroup/cgroup.controllers") ? "private" : "host"),
    "default-ipc-mode": config.defaultIpcMode ?? "private",
    "default-shm-size": String(config.defaultShmSize),
    name: hostname(),
    "default-runtime": config.defaultRuntime,
    features: `map[${Object.entries(config.features)
      .map(([name, on]) => `${name}:${on}`)
      .join(" ")}]`,
    "insecure-registries": JSON.stringify(config.insecureRegistries),
    labels: JSON.stringify(config.labels),
    "live-restore": String(config.liveRestore === true),
    "max-concurrent-downloads": String(config.maxConcurrentDownloads),
    "max-concurrent-uploads": String(config.maxConcurrentUploads),
    "max-download-attempts": String(config.maxDownloadAttempts),
    "registry-mirrors": JSON.stringify(config.registryMirrors),
    runtimes: Object.entries(config.runtimes)
      .map(([name, runtime]) => `${name}:${runtime.path}`)
      .join(" "),
    "shutdown-timeout": String(config.shutdownTimeout),
  };
}

export async function reload(engine: Engine, line: CommandLine): Promise<void> {
  log.info("Got signal to reload configuration", { "config-file": line.configFile });
  const attributes = applyReload(engine.config, readConfigFile(line), line.settings);
  configureLog({ level: engine.config.debug ? "debug" : engine.config.logLevel });
  engine.events.publish("daemon", "reload", engine.id, attributes);
  log.info("Reloaded configuration", { config: JSON.stringify(attributes) });
  const running = engine.containers.records.all().filter((container) => isRunning(container.state));
  await engine.networks.reconcile(new Set(running.map((container) => container.id)));
}

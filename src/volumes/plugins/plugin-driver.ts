// A plugin as a volume driver: VolumeDriver.* of Docker's plugin protocol v1. Plugins are other people's programs: each answer is
// looked at before it is believed, paths most of all, since they are mounted into containers.
import { realpath, stat } from "node:fs/promises";
import { posix } from "node:path";
import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import type { DriverVolume, VolumeDriver } from "../driver.ts";
import { callPlugin, nonsense, type PluginPatience, PluginRefusal } from "./client.ts";
import type { PluginAddress } from "./discovery.ts";

export interface PluginDriverOptions {
  patience: PluginPatience;
  /** Folders that no volume may be in, nor have in it: the daemon's own. */
  forbidden: readonly string[];
}

/** Milliseconds to look at a path that a plugin named: it may be on a file system of its own that hangs. */
const LOOK_LIMIT = 10_000;

export function pluginDriver(address: PluginAddress, options: PluginDriverOptions): VolumeDriver {
  const { patience, forbidden } = options;
  const { name: plugin } = address;
  let scope: "local" | "global" | undefined;
  const call = (method: string, body: unknown, timeout = patience.short, connect = patience.connect) =>
    callPlugin(address, `VolumeDriver.${method}`, body, { timeout, connect });

  const placeOf = (method: string, said: unknown): string => {
    const path = said ?? "";
    if (typeof path !== "string") throw nonsense(address, method, "a Mountpoint that is no text");
    if (path !== "") checkPath(path);
    return path;
  };
  const checkPath = (path: string): void => {
    const problem = pathProblem(path, forbidden);
    if (problem)
      throw systemError(
        `the plugin ${JSON.stringify(plugin)} says that its volume is at ${JSON.stringify(path)}, which ${problem}`,
      );
  };
  const volumeOf = (method: string, said: unknown, asked?: string): DriverVolume => {
    const { Name, Mountpoint, CreatedAt, Status } = (said ?? {}) as Record<string, unknown>;
    const name = Name ?? asked;
    if (typeof name !== "string" || name === "") throw nonsense(address, method, "a volume that has no name");
    return {
      name,
      mountpoint: placeOf(method, Mountpoint),
      ...(typeof CreatedAt === "string" && { createdAt: CreatedAt }),
      ...(isObject(Status) && { status: Status }),
    };
  };

  return {
    name: plugin,
    async scope() {
      if (scope) return scope;
      try {
        const { Capabilities } = await call("Capabilities", {});
        const said = isObject(Capabilities) ? Capabilities.Scope : "";
        const word = typeof said === "string" ? said.toLowerCase() : "";
        if (word !== "" && word !== "local" && word !== "global")
          log.warn("a volume plugin has a scope that there is not; taken for local", { plugin, scope: word });
        scope = word === "global" ? "global" : "local";
        return scope;
      } catch (error) {
        // Not every plugin has this call.
        log.debug("a volume plugin doesn't tell its scope; taken for local", {
          plugin,
          error: messageOf(error),
        });
        return "local";
      }
    },
    async create(name, opts) {
      await call("Create", { Name: name, Opts: opts }, patience.long);
    },
    async remove({ id }) {
      await call("Remove", { Name: id });
    },
    async mount({ id: name }, id) {
      const { Mountpoint } = await call("Mount", { Name: name, ID: id }, patience.long);
      const path = placeOf("VolumeDriver.Mount", Mountpoint);
      if (path === "") throw nonsense(address, "VolumeDriver.Mount", "no Mountpoint");
      await mustBeFolder(plugin, path, forbidden);
      return path;
    },
    async unmount({ id: name }, id) {
      await call("Unmount", { Name: name, ID: id });
    },
    async get(name, { probe = false } = {}) {
      const { connect } = patience;
      const limits = probe ? ([patience.probe, 0] as const) : ([patience.short, connect] as const);
      let said: Record<string, unknown>;
      try {
        said = await call("Get", { Name: name }, ...limits);
      } catch (error) {
        // What the plugin itself says is most often that there is no such volume; nobody can tell it from other errors.
        if (error instanceof PluginRefusal) return undefined;
        throw error;
      }
      if (said.Volume === undefined || said.Volume === null) return undefined;
      const volume = volumeOf("VolumeDriver.Get", said.Volume, name);
      return volume.mountpoint === "" ? { ...volume, mountpoint: await pathOf(name) } : volume;
    },
    async list() {
      const { Volumes } = await call("List", {}, patience.probe, 0);
      if (Volumes === undefined || Volumes === null) return [];
      if (!Array.isArray(Volumes)) throw nonsense(address, "VolumeDriver.List", "Volumes that are no list");
      return Volumes.map((said) => volumeOf("VolumeDriver.List", said));
    },
  };

  /** Some plugins tell it by Path alone; one that doesn't know yet has none. */
  async function pathOf(name: string): Promise<string> {
    try {
      return placeOf("VolumeDriver.Path", (await call("Path", { Name: name })).Mountpoint);
    } catch (error) {
      if (error instanceof PluginRefusal) return "";
      throw error;
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const PATH_LIMIT = 4095; // PATH_MAX with its NUL

/** Why a path can't be a volume's. */
export function pathProblem(path: string, forbidden: readonly string[]): string | undefined {
  if (!path.startsWith("/")) return "is not absolute";
  if (path.includes("\0") || Buffer.byteLength(path) > PATH_LIMIT) return "is no path";
  const clean = posix.normalize(path).replace(/(?<=.)\/+$/, "");
  if (clean === "/") return "is the host's root";
  if (path.split("/").includes("..")) return "leads upwards";
  const below = (one: string, other: string) => one === other || one.startsWith(`${other}/`);
  const own = forbidden.find((folder) => below(clean, folder) || below(folder, clean));
  return own && `is or has the daemon's own folder ${own}`;
}

/**
 * With links followed, as the mount will: one may lead to what the path itself must not be. Errors: system, when there is no
 * such folder, or nobody can tell in time.
 */
async function mustBeFolder(plugin: string, path: string, forbidden: readonly string[]): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const refuse = (why: string) =>
    systemError(`the plugin ${JSON.stringify(plugin)} says that its volume is at ${path}, ${why}`);
  const timer = setTimeout(() => reject(refuse("where the file system does not answer")), LOOK_LIMIT);
  try {
    const look = Promise.all([realpath(path), stat(path)]).catch(() => undefined);
    const [place, found] = (await Promise.race([look, late])) ?? [];
    if (!place || !found) throw refuse("where nothing is");
    if (!found.isDirectory()) throw refuse("which is not a folder");
    const own = await Promise.all(forbidden.map((folder) => realpath(folder).catch(() => folder)));
    const problem = pathProblem(place, [...forbidden, ...own]);
    if (problem) throw refuse(`which is a link to ${place}, and that ${problem}`);
  } finally {
    clearTimeout(timer);
  }
}

// The volume drivers by their names: `local`, and the plugins that were found and activated. A plugin is activated when it is first
// needed, once for all who need it then; one that could not be is tried again by the next.
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, notFound, systemError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { VolumeDriver } from "./driver.ts";
import { callPlugin, nonsense, type PluginPatience } from "./plugins/client.ts";
import { findPlugin, type PluginAddress, pluginNames } from "./plugins/discovery.ts";
import { pluginDriver } from "./plugins/plugin-driver.ts";

export interface VolumeDrivers {
  /**
   * `wait`: for a plugin that isn't there yet, as long as Docker waits. Errors: not-found; system, when a plugin of that name can't be
   * activated.
   */
  get(name: string, options?: { wait?: boolean }): Promise<VolumeDriver>;
  /** Every plugin that can be activated. Those that can't are logged and left out. */
  plugins(): Promise<VolumeDriver[]>;
  /** Names of those that are in use or were, by name: for `info`. */
  names(): string[];
}

export interface DriversOptions {
  local: VolumeDriver;
  folders: readonly string[];
  patience: PluginPatience;
  forbidden: readonly string[];
}

/** Looks again after 1, 2, 4 … seconds while that is before `limit` (milliseconds). */
async function locate(
  folders: readonly string[],
  name: string,
  limit: number,
): Promise<PluginAddress | undefined> {
  const began = Date.now();
  for (let wait = 1000; ; wait *= 2) {
    const found = await findPlugin(folders, name);
    if (found || Date.now() - began + wait >= limit) return found;
    await sleep(wait);
  }
}

const IMPLEMENTS = "VolumeDriver";

export function openDrivers({ local, folders, patience, forbidden }: DriversOptions): VolumeDrivers {
  const active = new Map<string, VolumeDriver>();
  const activating = new Map<string, Promise<VolumeDriver>>();

  async function activate(address: PluginAddress, limits: { timeout: number; connect: number }) {
    const { name } = address;
    const { Implements: said } = await callPlugin(address, "Plugin.Activate", undefined, limits);
    if (!Array.isArray(said)) throw nonsense(address, "Plugin.Activate", "no list of what it implements");
    if (!said.includes(IMPLEMENTS))
      throw systemError(
        `Plugin does not implement the requested driver: plugin=${JSON.stringify(name)}, requested implementation="${IMPLEMENTS}"`,
      );
    const driver = pluginDriver(address, { patience, forbidden });
    active.set(name, driver);
    return driver;
  }

  /** One activation at a time. */
  function activateOnce(address: PluginAddress, limits: { timeout: number; connect: number }) {
    const { name } = address;
    const begun = activating.get(name);
    if (begun) return begun;
    const work = activate(address, limits).finally(() => activating.delete(name));
    activating.set(name, work);
    return work;
  }

  return {
    async get(name, { wait = false } = {}) {
      if (name === "" || name === local.name) return local;
      const known = active.get(name);
      if (known) return known;
      const address = await locate(folders, name, wait ? patience.connect : 0);
      if (!address)
        throw notFound(`error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found`);
      try {
        return await activateOnce(address, { timeout: patience.short, connect: patience.connect });
      } catch (error) {
        throw systemError(
          `error looking up volume plugin ${name}: legacy plugin: ${messageOf(error)}`,
          error,
        );
      }
    },
    async plugins() {
      const names = await pluginNames(folders);
      const found = await Promise.all(
        [...new Set([...names, ...active.keys()])].map(async (name) => {
          try {
            const known = active.get(name);
            if (known) return known;
            const address = await findPlugin(folders, name);
            return address && (await activateOnce(address, { timeout: patience.probe, connect: 0 }));
          } catch (error) {
            log.warn("a plugin is passed over", { plugin: name, error: messageOf(error) });
            return undefined;
          }
        }),
      );
      return found.filter((driver) => driver !== undefined);
    },
    names: () => [local.name, ...active.keys()].sort(),
  };
}

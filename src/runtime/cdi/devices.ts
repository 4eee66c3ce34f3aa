// The devices that the CDI folders name, and what a container that asks for some of them needs. Read anew each time: the
// files are few and small, are asked for seldom, and a driver may have written them just now.
import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { messageOf, systemError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { parseSpec } from "./parse.ts";
import type { CdiDevices, CdiSpec, ContainerEdits } from "./types.ts";

/**
 * Reads `*.json` and `*.yaml` of the folders. A device of a later folder replaces the same of an earlier one; of two in
 * one folder neither counts. A file that is wrong is left out. Never throws.
 */
export function readCdiDevices(folders: readonly string[]): CdiDevices {
  const errors: CdiDevices["errors"] = [];
  const found = new Map<string, { spec: CdiSpec; containerEdits: ContainerEdits; priority: number }>();
  const conflicts = new Set<string>();
  folders.forEach((folder, priority) => {
    for (const path of specFiles(folder, errors)) {
      const spec = readSpec(path, errors);
      for (const { name, containerEdits } of spec?.devices ?? []) {
        const qualified = `${spec?.kind}=${name}`;
        const other = found.get(qualified);
        if (other && other.priority === priority) {
          const reason = `conflicting device ${JSON.stringify(qualified)} (specs ${JSON.stringify(path)}, ${JSON.stringify(other.spec.path)})`;
          errors.push({ path, reason }, { path: other.spec.path, reason });
          conflicts.add(qualified);
        } else if (spec) {
          found.set(qualified, { spec, containerEdits, priority });
        }
      }
    }
  });
  for (const name of conflicts) found.delete(name);
  return { devices: new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1))), errors };
}

function specFiles(folder: string, errors: CdiDevices["errors"]): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && /\.(json|yaml)$/.test(entry.name))
      .map((entry) => join(normalize(folder), entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      errors.push({ path: folder, reason: messageOf(error) });
    return [];
  }
}

function readSpec(path: string, errors: CdiDevices["errors"]): CdiSpec | undefined {
  try {
    return parseSpec(readFileSync(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined; // gone since the folder was read
    errors.push({ path, reason: `failed to load CDI Spec ${messageOf(error)}` });
    return undefined;
  }
}

/**
 * All edits for the named devices, in order; those of a file once, before its first device's.
 * Errors: system, with the names that no file has (Docker answers 500).
 */
export function editsFor(names: readonly string[], folders: readonly string[]): ContainerEdits {
  const { devices, errors } = readCdiDevices(folders);
  const missing = names.filter((name) => !devices.has(name));
  if (missing.length > 0) {
    if (errors.length > 0)
      log.warn("CDI specs have errors", { errors: errors.map(({ reason }) => reason).join("; ") });
    throw systemError(`CDI device injection failed: unresolvable CDI devices ${missing.join(", ")}`);
  }
  const seen = new Set<CdiSpec>();
  const parts: ContainerEdits[] = [];
  for (const name of names) {
    const device = devices.get(name);
    if (!device) continue;
    if (!seen.has(device.spec)) parts.push(device.spec.containerEdits);
    seen.add(device.spec);
    parts.push(device.containerEdits);
  }
  return joinEdits(parts);
}

/** Later ones after earlier ones; of intelRdt the last. */
export function joinEdits(parts: readonly ContainerEdits[]): ContainerEdits {
  const all = <T>(pick: (edits: ContainerEdits) => T[] | undefined): T[] =>
    parts.flatMap((part) => pick(part) ?? []);
  const intelRdt = parts.findLast((part) => part.intelRdt)?.intelRdt;
  return {
    env: all(({ env }) => env),
    deviceNodes: all(({ deviceNodes }) => deviceNodes),
    netDevices: all(({ netDevices }) => netDevices),
    hooks: all(({ hooks }) => hooks),
    mounts: all(({ mounts }) => mounts),
    additionalGids: all(({ additionalGids }) => additionalGids),
    ...(intelRdt && { intelRdt }),
  };
}

// Writes a container's bundle: config.json, once, readable by root alone.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { applyEdits } from "../cdi/apply.ts";
import type { BundleInput } from "../types.ts";
import { ensureAppArmorProfile } from "./apparmor.ts";
import { buildSpec } from "./build.ts";
import { toJson } from "./exact-json.ts";
import { APPARMOR_PROFILE } from "./host-facts.ts";
import { lookUp } from "./look-up.ts";
import type { Spec } from "./spec.ts";

/**
 * Resolves what depends on the mounted root and the host (user names, devices), makes the working folder when it is
 * absent, and writes config.json (0600) into `dir`, which exists. Gives back what was written.
 */
export async function writeBundle(dir: string, input: BundleInput): Promise<Spec> {
  const built = buildSpec(input, await lookUp(input));
  const spec = input.edits ? await applyEdits(built, input.edits) : built;
  // Upgrades and other services unload profiles that are not theirs, so it is looked for at every start.
  if (spec.process.apparmorProfile === APPARMOR_PROFILE) await ensureAppArmorProfile();
  await using file = await open(join(dir, "config.json"), "w", 0o600);
  await file.writeFile(toJson(spec));
  return spec;
}

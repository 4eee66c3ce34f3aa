// Named contexts (`--build-context name=…`): under which keys the client's options have one for a stage or an image.
import { formatPlatformWithVersion, normalizePlatform } from "../../../oci/platform.ts";
import { familiar, parseReference } from "../../../oci/reference.ts";
import type { Platform } from "../../../oci/types.ts";

/** Names that no context replaces. */
const OWN = new Set(["scratch", "context"]);

/** Names to look for, in order: `alpine::linux/amd64`, then `alpine`. None for what is not a name. */
export function contextNames(name: string, platform: Platform): string[] {
  if (OWN.has(name.toLowerCase())) return [];
  try {
    const short = familiar(parseReference(name)).replace(/:latest$/, "");
    return [`${short}::${formatPlatformWithVersion(normalizePlatform(platform))}`, short];
  } catch {
    return [];
  }
}

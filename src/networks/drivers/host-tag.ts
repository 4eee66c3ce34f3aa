// What names of this daemon's devices carry: two daemons on one host leave each other's alone.
import { createHash } from "node:crypto";
import type { HostEnvironment } from "../../base/environment.ts";

/** Four hex digits, the same for a daemon's bridge and exec root. */
export const hostTag = ({ bridge, paths }: HostEnvironment): string =>
  createHash("sha256").update(`${bridge} ${paths.execRoot}`).digest("hex").slice(0, 4);

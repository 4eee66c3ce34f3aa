// What this host is: detected once, when the daemon starts.
import type { HostEnvironment } from "../base/environment.ts";
import { notImplemented } from "../base/errors.ts";

/** Looks at the kernel, its cgroup file systems, AppArmor and systemd. `cgroupManager` overrides what was found. */
export function detectEnvironment(_options: {
  dataRoot: string;
  execRoot: string;
  bridge: string;
  cgroupManager?: "cgroupfs" | "systemd";
}): HostEnvironment {
  throw notImplemented("detectEnvironment");
}

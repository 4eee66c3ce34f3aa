// What this host is: detected once, when the daemon starts.
import { existsSync, readFileSync } from "node:fs";
import { arch, release } from "node:os";
import type { HostEnvironment } from "../base/environment.ts";
import { systemError } from "../base/errors.ts";
import { appArmorParser } from "./bundle/apparmor.ts";
import { hostCgroupMode } from "./cgroups.ts";
import { systemdRunsHost } from "./systemd/scope.ts";

/**
 * Looks at the kernel, its cgroup file systems, AppArmor and systemd. `cgroupManager` (daemon.json's
 * native.cgroupdriver) wins over what was found. Errors: system on an architecture or host that we don't run on.
 */
export function detectEnvironment(options: {
  dataRoot: string;
  execRoot: string;
  bridge: string;
  cgroupManager?: "cgroupfs" | "systemd";
}): HostEnvironment {
  const mode = hostCgroupMode();
  return {
    paths: { dataRoot: options.dataRoot, execRoot: options.execRoot },
    bridge: options.bridge,
    platform: platform(),
    cgroups: {
      mode,
      manager: options.cgroupManager ?? (mode === "v2" && systemdRunsHost() ? "systemd" : "cgroupfs"),
    },
    idMapping: null,
    rootless: false,
    appArmor:
      read("/sys/module/apparmor/parameters/enabled") === "Y" &&
      existsSync("/sys/kernel/security/apparmor/profiles") &&
      appArmorParser() !== undefined,
    kernel: parseRelease(release()),
  };
}

/** "6.1.0-13-amd64" → its major and minor numbers. */
export function parseRelease(text: string): HostEnvironment["kernel"] {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { release: text, major: Number(major), minor: Number(minor) };
}

function platform(): HostEnvironment["platform"] {
  switch (arch()) {
    case "x64":
      return { os: "linux", architecture: "amd64" };
    case "arm64":
      return { os: "linux", architecture: "arm64", variant: "v8" };
    default:
      throw systemError(`Berth runs on x64 and arm64, not on ${arch()}`);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // a kernel without the feature has no such file
  }
}

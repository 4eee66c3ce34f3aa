// What this host is: detected once, when the daemon starts.
import { existsSync, readFileSync, statSync } from "node:fs";
import { arch, release } from "node:os";
import type { CgroupMode, HostEnvironment } from "../base/environment.ts";
import { systemError } from "../base/errors.ts";

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
  const mode = cgroupMode(read("/proc/self/mountinfo"));
  return {
    paths: { dataRoot: options.dataRoot, execRoot: options.execRoot },
    bridge: options.bridge,
    platform: platform(),
    cgroups: {
      mode,
      manager: options.cgroupManager ?? (mode === "v2" && hasSystemd() ? "systemd" : "cgroupfs"),
    },
    idMapping: null,
    rootless: false,
    appArmor: read("/sys/module/apparmor/parameters/enabled") === "Y" && canReadProfiles(),
    kernel: parseRelease(release()),
  };
}

/** From the text of proc_pid_mountinfo(5): version 2 alone, version 1 alone, or version 2 beside it. */
export function cgroupMode(mountinfo: string): CgroupMode {
  const types = new Set<string>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const folder = before.split(" ")[4] ?? "";
    // Only the host's own: chroots and containers have mounts of the same types elsewhere.
    if (folder.startsWith("/sys/fs/cgroup")) types.add(after.split(" ")[0] ?? "");
  }
  if (types.has("cgroup")) return types.has("cgroup2") ? "hybrid" : "v1";
  return "v2";
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

/** sd_booted(3). */
function hasSystemd(): boolean {
  return statSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function canReadProfiles(): boolean {
  return existsSync("/sys/kernel/security/apparmor/profiles");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // a kernel without the feature has no such file
  }
}

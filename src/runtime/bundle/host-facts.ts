// What a bundle needs to know of the host besides its HostEnvironment: read once, since none of it changes while the
// daemon runs. Small synchronous reads below /proc and /sys, so that it is there before the first container.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostEnvironment } from "../../base/environment.ts";
import { CAPABILITIES } from "./capabilities.ts";

export interface HostFacts {
  /** Capabilities that the kernel has and that this process may give (capabilities(7)), in their order. */
  capabilities: string[];
  /** Folders of each CPU that tell of its heat and so of what others run on it: masked. */
  thermalThrottle: string[];
  /** Those of the sysctls we set by default that this kernel has. */
  sysctls: string[];
  /** mount_setattr(2) with AT_RECURSIVE (Linux 5.12): read-only holds for the mounts below too. */
  recursiveReadOnly: boolean;
  seccomp: boolean;
  /** Name of the AppArmor profile that containers get; empty where AppArmor is off. */
  appArmorProfile: string;
  cpus: number;
  limits: LimitSupport;
}

/** Which limits the host's cgroups can hold; what they can't is taken out of a HostConfig with a warning. */
export interface LimitSupport {
  memory: boolean;
  swap: boolean;
  reservation: boolean;
  oomKillDisable: boolean;
  swappiness: boolean;
  cpuShares: boolean;
  cpuQuota: boolean;
  cpuRealtime: boolean;
  /** Lists as "0-3,5"; undefined: no cpuset controller. */
  cpuset?: { cpus: string; mems: string };
  blkioWeight: boolean;
  blkioWeightDevice: boolean;
  blkioReadBps: boolean;
  blkioWriteBps: boolean;
  blkioReadIops: boolean;
  blkioWriteIops: boolean;
  pids: boolean;
  cgroupNamespaces: boolean;
  ipv4Forwarding: boolean;
}

/** Set by default in a network namespace of a container's own: ping and low ports without capabilities. */
export const DEFAULT_SYSCTLS: Record<string, string> = {
  "net.ipv4.ping_group_range": "0 2147483647",
  "net.ipv4.ip_unprivileged_port_start": "0",
};

export const APPARMOR_PROFILE = "berth-default";

const known = new WeakMap<HostEnvironment, HostFacts>();

/** The facts of this host; the same object every time for the same environment. */
export function hostFacts(environment: HostEnvironment): HostFacts {
  const before = known.get(environment);
  if (before) return before;
  const facts = readFacts(environment);
  known.set(environment, facts);
  return facts;
}

function readFacts(environment: HostEnvironment): HostFacts {
  const { major, minor } = environment.kernel;
  const possible = parseList(text("/sys/devices/system/cpu/possible"));
  return {
    capabilities: availableCapabilities(),
    thermalThrottle: possible
      .map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`)
      .filter((path) => existsSync(path)),
    sysctls: Object.keys(DEFAULT_SYSCTLS).filter((name) =>
      existsSync(`/proc/sys/${name.replaceAll(".", "/")}`),
    ),
    recursiveReadOnly: major > 5 || (major === 5 && minor >= 12),
    seccomp: /^Seccomp:/m.test(text("/proc/self/status")),
    appArmorProfile: environment.appArmor ? APPARMOR_PROFILE : "",
    cpus: navigator.hardwareConcurrency,
    limits: environment.cgroups.mode === "v2" ? limitsOfV2() : limitsOfV1(),
  };
}

/** What this process may give on is what is in its own bounding set. */
function availableCapabilities(): string[] {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(text("/proc/self/status"))?.[1] ?? "0"}`);
  const last = Number(text("/proc/sys/kernel/cap_last_cap"));
  return CAPABILITIES.filter((_, number) => number <= last && (bounding >> BigInt(number)) & 1n);
}

function limitsOfV1(): LimitSupport {
  const mounts = cgroupV1Mounts(text("/proc/self/mountinfo"));
  const has = (controller: string, file: string) => {
    const folder = mounts.get(controller);
    return folder !== undefined && existsSync(join(folder, file));
  };
  const cpuset = mounts.get("cpuset");
  return {
    memory: mounts.has("memory"),
    swap: has("memory", "memory.memsw.limit_in_bytes"),
    reservation: has("memory", "memory.soft_limit_in_bytes"),
    oomKillDisable: has("memory", "memory.oom_control"),
    swappiness: has("memory", "memory.swappiness"),
    cpuShares: has("cpu", "cpu.shares"),
    cpuQuota: has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: has("cpu", "cpu.rt_period_us"),
    cpuset: cpuset
      ? { cpus: text(join(cpuset, "cpuset.cpus")), mems: text(join(cpuset, "cpuset.mems")) }
      : undefined,
    blkioWeight: has("blkio", "blkio.weight"),
    blkioWeightDevice: has("blkio", "blkio.weight_device"),
    blkioReadBps: has("blkio", "blkio.throttle.read_bps_device"),
    blkioWriteBps: has("blkio", "blkio.throttle.write_bps_device"),
    blkioReadIops: has("blkio", "blkio.throttle.read_iops_device"),
    blkioWriteIops: has("blkio", "blkio.throttle.write_iops_device"),
    pids: mounts.has("pids"),
    ...commonLimits(),
  };
}

function limitsOfV2(): LimitSupport {
  const root = "/sys/fs/cgroup";
  const controllers = text(join(root, "cgroup.controllers")).split(/\s+/);
  const has = (controller: string) => controllers.includes(controller);
  const own = /^0::(.*)$/m.exec(text("/proc/self/cgroup"))?.[1] ?? "/";
  const io = has("io");
  return {
    memory: has("memory"),
    swap: has("memory") && existsSync(join(root, own, "memory.swap.max")),
    reservation: has("memory"),
    oomKillDisable: false,
    swappiness: false,
    cpuShares: has("cpu"),
    cpuQuota: has("cpu"),
    cpuRealtime: false,
    cpuset: has("cpuset")
      ? { cpus: text(join(root, "cpuset.cpus.effective")), mems: text(join(root, "cpuset.mems.effective")) }
      : undefined,
    blkioWeight: io,
    blkioWeightDevice: io,
    blkioReadBps: io,
    blkioWriteBps: io,
    blkioReadIops: io,
    blkioWriteIops: io,
    pids: has("pids"),
    ...commonLimits(),
  };
}

function commonLimits(): Pick<LimitSupport, "cgroupNamespaces" | "ipv4Forwarding"> {
  return {
    cgroupNamespaces: existsSync("/proc/self/ns/cgroup"),
    ipv4Forwarding: ipv4Forwarding(),
  };
}

/** The one limit that changes while the daemon runs. */
export function ipv4Forwarding(): boolean {
  return text("/proc/sys/net/ipv4/ip_forward") === "1";
}

/** Where each version 1 controller is mounted, from the text of proc_pid_mountinfo(5); the first mount wins. */
export function cgroupV1Mounts(mountinfo: string): Map<string, string> {
  const mounts = new Map<string, string>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type, , options = ""] = after.split(" ");
    const folder = before.split(" ")[4];
    if (type !== "cgroup" || !folder) continue;
    for (const option of options.split(",")) if (!mounts.has(option)) mounts.set(option, folder);
  }
  return mounts;
}

/** Numbers of a list as the kernel writes them, "0-3,8" (cpuset(7), "List format"); undefined when it isn't one. */
export function parseNumberList(list: string): number[] | undefined {
  const numbers: number[] = [];
  if (list.trim() === "") return numbers;
  for (const part of list.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from || to > 8192) return undefined;
    for (let number = from; number <= to; number++) numbers.push(number);
  }
  return numbers;
}

const parseList = (list: string): number[] => parseNumberList(list) ?? [];

function text(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // a kernel without the feature has no such file
  }
}

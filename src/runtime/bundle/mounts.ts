// What is mounted into the container's root, in order: the kernel's file systems, then the user's, then /etc's files.
import type { HostConfig } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";
import type { BundleInput } from "../types.ts";
import { hasUserNamespace } from "./namespaces.ts";
import type { SpecMount } from "./spec.ts";

/** Where --init's program is seen inside. */
export const INIT_PATH = "/sbin/docker-init";

export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/** In Docker's order; the runtime makes the links and nodes of /dev itself. */
const DEFAULT_MOUNTS: SpecMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["ro", "nosuid", "noexec", "nodev"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777"],
  },
];

/** Writable in a container with a read-only root, since they are the container's own in memory. */
const OWN_IN_MEMORY = ["/proc", "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev"];

const depth = (path: string): number => path.split("/").length;

/** What the mounts depend on besides the input. */
export interface MountFacts {
  /** The program to bind as INIT_PATH, where --init asks for one. */
  initPath?: string;
  /** --security-opt writable-cgroups. */
  writableCgroups?: boolean;
  /** What is bound as /dev/shm. */
  shm?: { source: string; options: string[] };
  /** Permission bits of folders of the image on which a tmpfs is mounted, by destination. */
  folderModes?: Record<string, number>;
}

/** `mounts`, sorted so that a folder comes before what is below it. */
export function mounts(input: BundleInput, facts: MountFacts): SpecMount[] {
  const { hostConfig } = input;
  const asked = userMounts(input, facts);
  const destinations = new Set(asked.map(({ destination }) => destination));
  const list = [
    ...defaultMounts(hostConfig, destinations),
    ...(facts.initPath ? [initMount(facts.initPath)] : []),
    ...asked,
  ];
  const writableCgroups = facts.writableCgroups ?? (hostConfig.Privileged || hasUserNamespace(input));
  return list.map((mount) => {
    let { options } = mount;
    const { destination, type } = mount;
    if (hostConfig.ReadonlyRootfs && !OWN_IN_MEMORY.includes(destination) && !destinations.has(destination))
      options = options.includes("ro") ? options : [...options, "ro"];
    if ((hostConfig.Privileged && destination === "/sys") || (writableCgroups && type === "cgroup"))
      options = options.filter((option) => option !== "ro");
    return { ...mount, options };
  });
}

function defaultMounts(hostConfig: HostConfig, taken: Set<string>): SpecMount[] {
  const size = `size=${hostConfig.ShmSize || DEFAULT_SHM_SIZE}`;
  return DEFAULT_MOUNTS.filter(
    ({ destination }) =>
      !taken.has(destination) &&
      !(taken.has("/dev") && destination.startsWith("/dev/")) &&
      !(destination === "/dev/shm" && hostConfig.IpcMode === "none"),
  ).map((mount) =>
    mount.destination === "/dev/shm" ? { ...mount, options: [...mount.options, size] } : { ...mount },
  );
}

const initMount = (source: string): SpecMount => ({
  destination: INIT_PATH,
  type: "bind",
  source,
  options: ["bind", "ro"],
});

function userMounts(input: BundleInput, { shm, folderModes = {} }: MountFacts): SpecMount[] {
  const { hostConfig, files } = input;
  const taken = new Set(input.mounts.map(({ destination }) => destination));
  const bind = (destination: string, source: string | undefined, options: string[]): SpecMount[] =>
    source && !taken.has(destination) ? [{ destination, type: "bind", source, options }] : [];
  const file = hostConfig.ReadonlyRootfs ? ["rbind", "ro", "rprivate"] : ["rbind", "rprivate"];
  return [
    ...input.mounts.map(({ destination, source, type, options }) => ({
      destination,
      type,
      source: type === "tmpfs" ? "tmpfs" : source,
      options: type === "tmpfs" ? withFolderMode(tmpfsOptions(options), folderModes[destination]) : options,
    })),
    ...bind("/etc/resolv.conf", files.resolvConf, file),
    ...bind("/etc/hostname", files.hostname, file),
    ...bind("/etc/hosts", files.hosts, file),
    ...bind("/dev/shm", shm?.source, ["rbind", ...(shm?.options ?? []), "rprivate"]),
  ].sort((a, b) => depth(a.destination) - depth(b.destination));
}

/** runc gives a tmpfs the mode of the folder that it covers, crun 1777: said here, it is so with both. */
function withFolderMode(options: string[], mode: number | undefined): string[] {
  if (mode === undefined || options.some((option) => option.startsWith("mode="))) return options;
  return [...options, `mode=${mode.toString(8).padStart(4, "0")}`];
}

/** Flags of which the later one wins (mount(8)); propagation is one choice as well. */
const FLAG_GROUPS: string[][] = [
  ["ro", "rw"],
  ["nosuid", "suid"],
  ["nodev", "dev"],
  ["noexec", "exec"],
  ["sync", "async"],
  ["dirsync"],
  ["remount"],
  ["mand", "nomand"],
  ["noatime", "atime"],
  ["nodiratime", "diratime"],
  ["relatime", "norelatime"],
  ["strictatime", "nostrictatime"],
  [
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "unbindable",
    "runbindable",
    "bind",
    "rbind",
  ],
];
const VALUES = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];

/** noexec, nosuid, nodev and rprivate, then what was asked, of which the later word wins. Errors: invalid. */
export function tmpfsOptions(asked: string[]): string[] {
  const all = ["noexec", "nosuid", "nodev", "rprivate", ...asked].filter((option) => option !== "defaults");
  const last = new Map(all.map((option, at) => [tmpfsKey(option), at]));
  return all.filter((option, at) => last.get(tmpfsKey(option)) === at);
}

function tmpfsKey(option: string): string {
  const group = FLAG_GROUPS.find((each) => each.includes(option))?.[0];
  if (group) return group;
  const [key = "", ...value] = option.split("=");
  if (value.length === 0 || !VALUES.includes(key))
    throw invalid(`invalid tmpfs option ${JSON.stringify(key)}`);
  return key;
}

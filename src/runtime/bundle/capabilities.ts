// Capabilities (capabilities(7)): what Docker gives by default, and what --cap-add, --cap-drop and --privileged make of it.
import { invalid } from "../../base/errors.ts";
import type { Capabilities } from "./spec.ts";

/** All that Linux has, by number. */
export const CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];

/** What a container gets when nothing is said. */
export const DEFAULT_CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** "net_admin" → "CAP_NET_ADMIN"; ALL stays. Errors: invalid for what no kernel, or this host, has. */
export function normaliseCapabilities(names: string[], available: string[]): string[] {
  return names.map((name) => {
    const upper = name.toUpperCase();
    if (upper === "ALL") return upper;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!CAPABILITIES.includes(full)) throw invalid(`unknown capability: "${full}"`);
    if (!available.includes(full))
      throw invalid(
        `capability not supported by your kernel or not available in the current environment: "${full}"`,
      );
    return full;
  });
}

/** The list a container's process gets: --privileged all, else the default less --cap-drop and with --cap-add. */
export function capabilityList(
  asked: { privileged?: boolean; add?: string[] | null; drop?: string[] | null },
  available: string[],
): string[] {
  if (asked.privileged) return available;
  const drop = normaliseCapabilities(asked.drop ?? [], available);
  const add = normaliseCapabilities(asked.add ?? [], available);
  const kept = (list: string[]) => list.filter((capability) => !drop.includes(capability));
  // ALL on one side is the base that the other side's names are exceptions to.
  if (add.includes("ALL")) return kept(available);
  if (drop.includes("ALL")) return add;
  return [...new Set([...kept(DEFAULT_CAPABILITIES), ...add])];
}

/** Inheritable and ambient stay empty: what a program gets past execve is its file's business. */
export const capabilitySets = (list: string[]): Capabilities => ({
  bounding: list,
  effective: list,
  permitted: list,
});

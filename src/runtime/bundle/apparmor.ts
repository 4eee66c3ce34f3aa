// The AppArmor profile of containers where AppArmor is on (apparmor.d(5)): much is allowed, but not writing to what
// of /proc and /sys is the host's, mounting, or tracing processes outside.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { systemError } from "../../base/errors.ts";
import { APPARMOR_PROFILE } from "./host-facts.ts";

const PROFILE = `# Loaded by Berth for its containers.
abi <abi/3.0>,
#include <tunables/global>

profile ${APPARMOR_PROFILE} flags=(attach_disconnected,mediate_deleted) {
  #include <abstractions/base>

  network,
  capability,
  file,
  umount,

  # The kernel's ciphers; seccomp can't see the family of a 32-bit program's socketcall.
  deny network alg,

  # The host's processes (the daemon stops containers) and the container's own may send signals.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send,receive) peer=${APPARMOR_PROFILE},

  # Below /proc only numbered folders (processes) and sys/kernel/shm* can be written.
  deny @{PROC}/* w,
  deny @{PROC}/{[^1-9/],[^1-9/][^0-9/],[^1-9s/][^0-9y/][^0-9s/],[^1-9/][^0-9/][^0-9/][^0-9/]*}/** w,
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny @{PROC}/sysrq-trigger rwklx,
  deny @{PROC}/kcore rwklx,

  deny mount,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,

  # Processes of the same profile may look at each other.
  ptrace (trace,read,tracedby,readby) peer=${APPARMOR_PROFILE},
}
`;

/** Who puts profiles into the kernel; without it AppArmor is as good as off for containers. */
export const appArmorParser = (): string | undefined =>
  ["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"].find((path) => existsSync(path));

/** Loads the profile unless the kernel has it. Errors: system, with what apparmor_parser said. */
export async function ensureAppArmorProfile(): Promise<void> {
  const loaded = await readFile("/sys/kernel/security/apparmor/profiles", "utf8");
  if (loaded.split("\n").some((line) => line.startsWith(`${APPARMOR_PROFILE} (`))) return;
  for (const text of [PROFILE, PROFILE.replace(/^abi .*\n/m, "")]) {
    // Parsers before 3.0 don't know "abi".
    const parser = Bun.spawn([appArmorParser() ?? "apparmor_parser", "--replace", "--skip-cache"], {
      stdin: new Blob([text]),
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = await new Response(parser.stderr).text();
    if ((await parser.exited) === 0) return;
    if (text !== PROFILE)
      throw systemError(`loading the AppArmor profile ${APPARMOR_PROFILE}: ${said.trim()}`);
  }
}

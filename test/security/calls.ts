// System calls to try from inside a container, with arguments that do no harm where the kernel gets to see them.
import type { ProbedCall } from "../fixtures/call-probe.ts";

export interface Trial extends ProbedCall {
  what: string;
  /**
   * By default: refused by the filter (EPERM), called unknown (ENOSYS), or whatever the kernel says; "as unconfined"
   * where that may be ENOSYS too, as the call is younger than some kernels.
   */
  expected: "EPERM" | "ENOSYS" | "let through" | "as unconfined";
}

const BAD = 1; // a pointer to nothing
const NONE = -1; // no descriptor, no pid
/** Flags that the kernel refuses together, so that no process or namespace comes of it. */
const USER_AND_FS = 0x10000200;

const refused = (what: string, number: number, ...args: number[]): Trial => ({
  what,
  number,
  arguments: args,
  expected: "EPERM",
});
const passes = (what: string, number: number, ...args: number[]): Trial => ({
  ...refused(what, number, ...args),
  expected: "let through",
});
const unknown = (what: string, number: number, ...args: number[]): Trial => ({
  ...refused(what, number, ...args),
  expected: "ENOSYS",
});
const young = (what: string, number: number, ...args: number[]): Trial => ({
  ...refused(what, number, ...args),
  expected: "as unconfined",
});
const in32 = (trial: Trial): Trial => ({ ...trial, what: `${trial.what} (32 bits)`, compat: true });

export const TRIALS: Trial[] = [
  // What the filter is for.
  refused("mount", 165, BAD, BAD, BAD, 0, BAD),
  refused("umount2", 166, BAD, 0),
  refused("pivot_root", 155, BAD, BAD),
  refused("fsopen", 430, BAD, 0),
  refused("fsconfig", 431, NONE, 99),
  refused("fsmount", 432, NONE, 0, 0),
  refused("fspick", 433, NONE, BAD, 0),
  refused("open_tree", 428, NONE, BAD, 1),
  refused("move_mount", 429, NONE, BAD, NONE, BAD, 0),
  refused("mount_setattr", 442, NONE, BAD, 0, BAD, 0),
  refused("keyctl", 250, 0xffff),
  refused("add_key", 248, BAD, BAD, BAD, 1, 0),
  refused("request_key", 249, BAD, BAD, BAD, 0),
  refused("bpf", 321, 0, BAD, 8),
  refused("perf_event_open", 298, BAD, 0, NONE, NONE, 0),
  refused("unshare", 272, USER_AND_FS | 1),
  refused("setns", 308, NONE, 0),
  refused("clone with a user namespace", 56, USER_AND_FS),
  { ...refused("clone3", 435, BAD, 0), expected: "ENOSYS" },
  refused("reboot", 169, 0, 0, 0),
  refused("kexec_load", 246, 0, 0, 0, NONE),
  refused("kexec_file_load", 320, NONE, NONE, 0, 0, 99),
  refused("init_module", 175, BAD, 0, BAD),
  refused("finit_module", 313, NONE, BAD, 0),
  refused("delete_module", 176, BAD, 0),
  refused("swapon", 167, BAD, 0),
  refused("swapoff", 168, BAD),
  refused("acct", 163, BAD),
  refused("quotactl", 179, NONE, BAD, 0, 0),
  refused("quotactl_fd", 443, NONE, NONE, 0, 0),
  refused("syslog", 103, 3, 0, NONE),
  refused("iopl", 172, 3),
  refused("ioperm", 173, 0, 1, 1),
  refused("settimeofday", 164, BAD, 0),
  refused("clock_settime", 227, 0, BAD),
  refused("sethostname", 170, BAD, 1),
  refused("setdomainname", 171, BAD, 1),
  refused("vhangup", 153),
  refused("lookup_dcookie", 212, 0, BAD, 0),
  refused("open_by_handle_at", 304, NONE, BAD, 0),
  refused("fanotify_init", 300, 0xffff, 0),
  refused("userfaultfd", 323, 0xffff),
  refused("io_uring_setup", 425, 0, BAD),
  refused("io_uring_enter", 426, NONE, 0, 0, 0, 0, 0),
  refused("io_uring_register", 427, NONE, 0, 0, 0),
  refused("kcmp", 312, NONE, NONE, 99, 0, 0),
  refused("pidfd_getfd", 438, NONE, NONE, 0),
  refused("process_madvise", 440, NONE, 0, 0, 0, 0),
  refused("mbind", 237, 0, 0, 99, 0, 0, 0),
  refused("set_mempolicy", 238, 99, 0, 0),
  refused("get_mempolicy", 239, 0, 0, 0, 0, 99),
  refused("migrate_pages", 256, NONE, 0, 0, 0),
  refused("move_pages", 279, NONE, 0, 0, 0, 0, 0),
  refused("set_mempolicy_home_node", 450, 0, 0, 99, 1),
  refused("personality: executable data", 135, 0x0400000),
  refused("socket of the hypervisor's (AF_VSOCK)", 41, 40, 1, 0),
  refused("socket of the kernel's ciphers (AF_ALG)", 41, 38, 5, 0),
  // The kernel takes the low half of these arguments, and so does the filter.
  refused("socket of AF_VSOCK with more in the high half", 41, 2 ** 32 + 40, 1, 0),
  refused("personality: executable data with more in the high half", 135, 2 ** 32 + 0x0400000),
  refused("lsm_get_self_attr", 459, 0, BAD, BAD, 99),
  refused("lsm_set_self_attr", 460, 0, BAD, 0, 99),
  refused("lsm_list_modules", 461, BAD, BAD, 99),
  // What the profile doesn't know: newer than it, or in a gap of the table.
  unknown("open_tree_attr", 467, NONE, BAD, 0, BAD, 0),
  unknown("file_getattr", 468, NONE, BAD, BAD, 0, 0),
  unknown("a call of the future", 600),
  unknown("a call of the far future", 0x3fffffff),
  unknown("no call at all", NONE),
  unknown("a number in a gap", 400),
  in32(unknown("a call of the future", 600)),
  in32(refused("lsm_list_modules", 461, BAD, BAD, 99)),
  // By the other entry, where the numbers are others.
  in32(refused("mount", 21, BAD, BAD, BAD, 0, BAD)),
  in32(refused("keyctl", 288, 0xffff)),
  in32(refused("unshare", 310, USER_AND_FS | 1)),
  in32(refused("bpf", 357, 0, BAD, 8)),
  in32({ ...refused("clone3", 435, BAD, 0), expected: "ENOSYS" }),
  // What programs need, so that it is not the filter that refuses everything.
  passes("getpid", 39),
  passes("ptrace", 101, 3, NONE, 0, 0),
  passes("process_vm_readv", 310, NONE, 0, 0, 0, 0, 0),
  passes("personality: only ask", 135, 0xffffffff),
  passes("chroot", 161, BAD),
  passes("socket", 41, 2, 1, 0),
  passes("socket of netlink's", 41, 16, 3, 0),
  passes("clone of a thread's wrong flags", 56, 0x10000),
  passes("landlock_create_ruleset", 444, 0, 0, 1),
  passes("memfd_secret", 447, 0xffff),
  passes("seccomp", 317, 0xffff, 0, 0),
  passes("mknodat", 259, NONE, BAD, 0, 0),
  in32(passes("getpid", 20)),
  // What libraries of Debian 12's age have no names for: a C library falls back from them on ENOSYS alone.
  young("cachestat", 451, NONE, BAD, BAD, 0),
  young("fchmodat2", 452, NONE, BAD, 0, 0),
  young("map_shadow_stack", 453, 0, 0, 99),
  young("futex_wake", 454, BAD, 0, 0, 0xffff),
  young("futex_wait", 455, BAD, 0, 0, 0xffff, 0, 0),
  young("futex_requeue", 456, BAD, 0xffff, 0, 0),
  young("statmount", 457, BAD, BAD, 0, 0xffff),
  young("listmount", 458, BAD, BAD, 0, 0xffff),
  young("mseal", 462, 1, 0, 0xffff),
  young("setxattrat", 463, NONE, BAD, 0xffff, BAD, BAD, 0),
  young("getxattrat", 464, NONE, BAD, 0xffff, BAD, BAD, 0),
  young("listxattrat", 465, NONE, BAD, 0xffff, BAD, 0),
  young("removexattrat", 466, NONE, BAD, 0xffff, BAD),
  in32(young("fchmodat2", 452, NONE, BAD, 0, 0)),
];

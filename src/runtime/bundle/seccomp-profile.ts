// Berth's default seccomp profile: what it lets through, by subject, and under which conditions. Its meaning is that of
// the default profile of Docker 28.5, and Docker 29's refusal of AF_ALG; all else fails with EPERM. Names that an architecture doesn't have are skipped
// by the runtime, so one table serves all (system calls ending in 32, 64 and time64 are 32-bit variants).
import type { SeccompArgument } from "./spec.ts";

/** When a rule holds. Lists mean "any of" for architectures and "all of" for capabilities that are asked for. */
export interface SeccompCondition {
  /** Names as the profile format has them: amd64, x86, x32, arm, arm64, … */
  architectures?: string[];
  capabilities?: string[];
  /** Kernel "major.minor", that one or later. */
  minimumKernel?: string;
}

export interface SeccompProfileRule {
  names: string[];
  action: string;
  errno?: number;
  arguments?: SeccompArgument[];
  /** Left out unless all of it holds. */
  when?: SeccompCondition;
  /** Left out when any of it holds: one of the architectures, one of the capabilities, the kernel. */
  unless?: SeccompCondition;
}

export interface SeccompProfile {
  defaultAction: string;
  defaultErrno?: number;
  /** Each native architecture with those whose calls it also runs. */
  architectures: Record<string, string[]>;
  rules: SeccompProfileRule[];
}

const EPERM = 1;
const ENOSYS = 38;
/** clone(2) flags that make a namespace: CLONE_NEWNS, -UTS, -IPC, -USER, -PID, -NET and -CGROUP. */
const NEW_NAMESPACES = 0x7e020000;
/** personality(2): the ones that are harmless, PER_LINUX, PER_LINUX32 and UNAME26 with each, and "only ask". */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** Socket families: the kernel's ciphers, for which programs have their own, and the way to the hypervisor. */
const AF_ALG = 38;
const AF_VSOCK = 40;

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Always allowed. */
const ALLOWED: Record<string, string[]> = {
  filesOpenAndClose: words(`open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 ioctl
    name_to_handle_at memfd_create memfd_secret pipe pipe2 umask`),
  filesReadAndWrite:
    words(`read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek
    readahead fadvise64 fadvise64_64 sendfile sendfile64 copy_file_range splice tee vmsplice truncate truncate64
    ftruncate ftruncate64 fallocate flock sync syncfs fsync fdatasync sync_file_range cachestat`),
  filesNamesAndFolders:
    words(`chdir fchdir getcwd getdents getdents64 link linkat symlink symlinkat readlink readlinkat
    mkdir mkdirat mknod mknodat rename renameat renameat2 rmdir unlink unlinkat`),
  filesAttributes:
    words(`access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32
    fchownat lchown lchown32 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs
    fstatfs64 utime utimes utimensat utimensat_time64 futimesat`),
  filesExtendedAttributes:
    words(`getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
    listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`),
  filesNotification: words(`inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark`),
  mountsSeen: words("listmount statmount"),
  waiting:
    words(`poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl
    epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 pause`),
  asynchronousInputOutput: words(`io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents
    io_pgetevents_time64 ioprio_get ioprio_set`),
  memory:
    words(`brk mmap mmap2 munmap mremap mprotect mseal madvise mincore msync mlock mlock2 mlockall munlock
    munlockall remap_file_pages membarrier pkey_alloc pkey_free pkey_mprotect map_shadow_stack`),
  processes:
    words(`fork vfork execve execveat exit exit_group wait4 waitid waitpid prctl getpid getppid gettid
    set_tid_address pidfd_open pidfd_send_signal process_mrelease getpgid getpgrp setpgid getsid setsid getrusage times
    restart_syscall uretprobe`),
  threads:
    words(`futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue get_robust_list set_robust_list
    get_thread_area set_thread_area rseq getcpu`),
  signals:
    words(`kill tkill tgkill alarm sigaltstack signalfd signalfd4 sigprocmask sigreturn rt_sigaction rt_sigpending
    rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64`),
  usersAndGroups:
    words(`getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32
    getresuid getresuid32 getresgid getresgid32 setuid setuid32 setgid setgid32 setgroups setgroups32 setreuid
    setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32
    capget capset`),
  limits: words("getrlimit ugetrlimit setrlimit prlimit64 getpriority setpriority"),
  scheduling:
    words(`sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
    sched_rr_get_interval_time64 sched_yield`),
  sockets:
    words(`socketcall socketpair accept accept4 bind connect listen shutdown getsockname getpeername getsockopt
    setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`),
  systemV:
    words(`ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt
    shmget`),
  messageQueues:
    words(`mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64`),
  // Clocks can be adjusted only by who has CAP_SYS_TIME; asking is for everybody.
  time: words(`time gettimeofday adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
    clock_gettime64 clock_nanosleep clock_nanosleep_time64 nanosleep getitimer setitimer timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64`),
  system: words("uname sysinfo getrandom riscv_hwprobe"),
  confiningOneself: words("seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
};

/** Allowed to who has the capability: the kernel asks for it too, but has had holes before it asked. */
const ALLOWED_WITH: Record<string, string[]> = {
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_SYS_ADMIN:
    words(`bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYS_MODULE: words("delete_module init_module finit_module"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
  CAP_SYS_RAWIO: words("iopl ioperm"),
  CAP_SYS_TIME: words("settimeofday stime clock_settime clock_settime64"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
  CAP_SYS_NICE: words("get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  CAP_SYSLOG: words("syslog"),
  CAP_BPF: words("bpf"),
  CAP_PERFMON: words("perf_event_open"),
};

/** Allowed on some architectures only, as they exist nowhere else or are risky elsewhere. */
const ALLOWED_ON: { architectures: string[]; names: string[] }[] = [
  { architectures: ["ppc64le"], names: words("sync_file_range2 swapcontext") },
  {
    architectures: ["arm", "arm64"],
    names: words("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"),
  },
  { architectures: ["amd64", "x32"], names: words("arch_prctl") },
  { architectures: ["amd64", "x32", "x86"], names: words("modify_ldt") },
  {
    architectures: ["s390", "s390x"],
    names: words("s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
  },
  { architectures: ["riscv64"], names: words("riscv_flush_icache") },
];

const allow = (names: string[], rest: Partial<SeccompProfileRule> = {}): SeccompProfileRule => ({
  names,
  action: "SCMP_ACT_ALLOW",
  ...rest,
});
const without = { capabilities: ["CAP_SYS_ADMIN"] };
const s390 = ["s390", "s390x"];
const noNewNamespaces = (index: number): SeccompArgument[] => [
  { index, value: NEW_NAMESPACES, op: "SCMP_CMP_MASKED_EQ" },
];

export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrno: EPERM,
  architectures: {
    SCMP_ARCH_X86_64: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    SCMP_ARCH_AARCH64: ["SCMP_ARCH_ARM"],
  },
  rules: [
    ...Object.values(ALLOWED).map((names) => allow(names)),
    // Before 4.8 a traced process could get around the filter.
    allow(words("process_vm_readv process_vm_writev ptrace"), { when: { minimumKernel: "4.8" } }),
    // vsock reaches the hypervisor from every network namespace; AF_ALG has been a way to the host's root.
    ...(
      [
        [AF_ALG, "SCMP_CMP_LT"],
        [AF_ALG + 1, "SCMP_CMP_EQ"],
        [AF_VSOCK, "SCMP_CMP_GT"],
      ] as const
    ).map(([value, op]) => allow(["socket"], { arguments: [{ index: 0, value, op }] })),
    ...PERSONALITIES.map((value) =>
      allow(["personality"], { arguments: [{ index: 0, value, op: "SCMP_CMP_EQ" }] }),
    ),
    ...ALLOWED_ON.map(({ architectures, names }) => allow(names, { when: { architectures } })),
    ...Object.entries(ALLOWED_WITH).map(([capability, names]) =>
      allow(names, { when: { capabilities: [capability] } }),
    ),
    allow(["clone"], { arguments: noNewNamespaces(0), unless: { ...without, architectures: s390 } }),
    // On s390 the flags are clone's second argument.
    allow(["clone"], { arguments: noNewNamespaces(1), when: { architectures: s390 }, unless: without }),
    // Its flags lie in memory where a filter can't see them; ENOSYS makes the C library take clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errno: ENOSYS, unless: without },
  ],
};

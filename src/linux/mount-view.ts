// Another view of the mounts for one synchronous piece of work: mount_namespaces(7).
import { check, close, cString, errno, KernelError, libc, O, open, T } from "./ffi.ts";

const c = libc({
  unshare: { args: [T.i32], returns: T.i32 },
  setns: { args: [T.i32, T.i32], returns: T.i32 },
  mount: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast, T.ptr], returns: T.i32 },
  umount2: { args: [T.ptr, T.i32], returns: T.i32 },
});

const CLONE_NEWNS = 0x20000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;
const MNT_DETACH = 2;
const EINVAL = 22;

/**
 * Runs `work` (and what it starts) where nothing is mounted at `hidden`; all else is as on the host at this moment.
 * The thread comes back to its own view before this returns, so no copy of the host's mounts is pinned by more than
 * what `work` started. Only for a process whose one thread of JavaScript does nothing else meanwhile, and whose file
 * calls are synchronous from then on: the thread no longer shares its working folder with the others (CLONE_FS).
 */
export function withoutMount<R>(hidden: string, work: () => R): R {
  const home = open("/proc/thread-self/ns/mnt", O.RDONLY);
  try {
    check(c.unshare(CLONE_NEWNS), "unshare", "CLONE_NEWNS");
    try {
      check(c.mount(null, cString("/"), null, MS_REC | MS_SLAVE, null), "mount", "/ as slave");
      if (c.umount2(cString(hidden), MNT_DETACH) < 0 && errno() !== EINVAL)
        throw new KernelError("umount2", errno(), hidden);
      return work();
    } finally {
      if (c.setns(home, CLONE_NEWNS) < 0) {
        // In the wrong mount namespace everything that follows would be wrong.
        process.stderr.write(`cannot return to the host's mounts: ${errno()}\n`);
        process.abort();
      }
    }
  } finally {
    close(home);
  }
}

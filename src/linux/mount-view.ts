// A program started with another view of the mounts: mount_namespaces(7).
import { close, cString, errno, KernelError, libc, O, open, T } from "./ffi.ts";
import type { PreparedSpawn } from "./process.ts";

const c = libc({
  unshare: { args: [T.i32], returns: T.i32 },
  setns: { args: [T.i32, T.i32], returns: T.i32 },
  mount: { args: [T.ptr, T.ptr, T.ptr, T.u64_fast, T.ptr], returns: T.i32 },
  umount2: { args: [T.ptr, T.i32], returns: T.i32 },
});

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;
const MNT_DETACH = 2;
const EINVAL = 22;
const SLASH = cString("/");

/**
 * Starts a prepared program where nothing is mounted at `hidden`; all else is as on the host at this moment. This
 * thread comes back to its own view before this returns, so no copy of the host's mounts is pinned by more than what was
 * started. Only for a process whose JavaScript makes synchronous file calls alone from then on: the thread no longer
 * shares its working folder with the others (CLONE_FS).
 *
 * Between leaving and returning nothing may be allocated: a thread that the collector starts then would live in the
 * copied namespace, and keep a hold of the host's mounts.
 */
export function spawnWithoutMount(hidden: string, prepared: PreparedSpawn): number {
  const path = cString(hidden);
  // Binding a function allocates, so it is done before.
  const { unshare, mount, umount2, setns } = c;
  const home = open("/proc/thread-self/ns/mnt", O.RDONLY);
  try {
    if (unshare(CLONE_NEWNS) < 0) throw new KernelError("unshare", errno(), "CLONE_NEWNS");
    let step: "mount" | "umount2" | undefined;
    let failed = 0;
    if (mount(null, SLASH, null, MS_REC | MS_SLAVE, null) < 0) {
      step = "mount";
      failed = errno();
    } else if (umount2(path, MNT_DETACH) < 0 && errno() !== EINVAL) {
      step = "umount2";
      failed = errno();
    } else failed = prepared.start();
    // Not shared with a thread that was started meanwhile, which setns(2) would refuse.
    unshare(CLONE_FS);
    if (setns(home, CLONE_NEWNS) < 0) {
      // In the wrong mount namespace everything that follows would be wrong.
      const returning = errno();
      process.stderr.write(`cannot return to the host's mounts: errno ${returning}\n`);
      process.abort();
    }
    if (step) throw new KernelError(step, failed, step === "mount" ? "/ as slave" : hidden);
    return prepared.finish(failed);
  } finally {
    close(home);
  }
}

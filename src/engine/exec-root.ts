// The execution root belongs to one daemon at a time: another one would end what no row of its own names, which is every
// container of the first.
import { chmodSync, closeSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { conflict } from "../base/errors.ts";
import { tryLock } from "../linux/files.ts";
import { writeHolder } from "../linux/lock-holder.ts";

/** All but the socket, the pid file and the lock. */
const PRIVATE = ["containers", "rootfs", "shm", "subpaths", "networks", "netns"];

/** Makes the folder, and locks it until disposed or until this process ends. Errors: conflict when another process holds it. */
export function holdExecRoot(path: string): Disposable {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  const file = join(path, "lock");
  // Close-on-exec, as node:fs opens: a shim that inherited it would hold the root when this daemon is long gone.
  const lock = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!tryLock(lock)) {
      const holder = readFileSync(file, "utf8").trim();
      throw conflict(
        `the execution root ${path} is in use by another daemon${holder ? ` (process ${holder})` : ""}: stop it, or choose another --exec-root`,
      );
    }
    writeHolder(lock);
    closeToOthers(path);
  } catch (thrown) {
    closeSync(lock);
    throw thrown;
  }
  return { [Symbol.dispose]: () => closeSync(lock) };
}

/**
 * Everybody passes through the root on the way to the socket; what is below is for root alone, also where it is there
 * already: a container's root may write setuid programs, which other users of the host would run where they could
 * reach them (CVE-2021-41103 was this in containerd).
 */
function closeToOthers(path: string): void {
  for (const name of PRIVATE) {
    mkdirSync(join(path, name), { recursive: true, mode: 0o700 });
    chmodSync(join(path, name), 0o700);
  }
}

// Who holds a lock file, for the error text of whoever finds it locked.
import { ftruncateSync, writeSync } from "node:fs";
import { log } from "../base/log.ts";

/**
 * Writes this process's number over what a locked file (opened for reading and writing, not for appending) said. In
 * place and only then cut to its length: a file that were emptied first would lose its block, and on a disk that is
 * full not get it back. A new file on a full disk stays empty, since the lock doesn't need the text.
 */
export function writeHolder(fd: number): void {
  const text = `${process.pid}\n`;
  try {
    writeSync(fd, text, 0);
    ftruncateSync(fd, text.length);
  } catch (thrown) {
    log.debug("cannot write who holds a lock", { error: String(thrown) });
  }
}

// Our own client for the suites: the built file, or a script that runs the sources.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

/** The program's path; A script goes to `folder`. */
export function berthBinary(folder: string): string {
  if (process.env.BERTH_BINARY) return process.env.BERTH_BINARY;
  const path = join(folder, "berth");
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

// A small root file system of busybox, for bundles to run in.
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GROUP, PASSWD } from "./accounts.ts";

const APPLETS = [
  "rm",
  "true",
  "sh",
  "sleep",
  "cat",
  "ls",
  "id",
  "mount",
  "touch",
  "echo",
  "grep",
  "env",
  "hostname",
  "mknod",
  "stat",
];

/** Fills an empty folder; needs Debian's busybox-static. */
export function makeRootfs(root: string): void {
  for (const folder of ["bin", "etc", "tmp", "root", "proc", "sys", "dev", "data", "home/app"])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), PASSWD);
  writeFileSync(join(root, "etc/group"), GROUP);
  writeFileSync(join(root, "data/from-image"), "filled by the image\n");
}

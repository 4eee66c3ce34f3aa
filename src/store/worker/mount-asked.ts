// The job "mount": one mount(2) for the daemon, which must not wait in a system call for a server that is silent.
import { readFileSync } from "node:fs";
import { mount } from "../../linux/mount.ts";
import type { MountRequest } from "../mount-apart.ts";

export function mountAsked(): void {
  // On standard input, since options may hold a password, and everybody reads command lines.
  const { source, target, type, flags, data } = JSON.parse(readFileSync(0, "utf8")) as MountRequest;
  mount(source, target, type, flags, data || null);
}

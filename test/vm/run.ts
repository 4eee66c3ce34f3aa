// `npm run test:vm`: installs Berth in a stock Debian 12 by its README's first command and runs the main commands there.
// A fresh clone of what is committed, in the home of a person who may call sudo.
import { mkdtempSync, rmSync } from "node:fs";
import { CHECKS, type Check } from "./checks.ts";
import { type Machine, startMachine } from "./machine.ts";
import { layCable, networks, startFarMachine } from "./network-checks.ts";

const CLONE = "/home/ada/berth";

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function check(
  machine: Machine,
  { what, command, shows, code = 0, afterReboot }: Check,
): Promise<boolean> {
  const began = performance.now();
  if (afterReboot) await machine.reboot();
  const result = await machine.exec("sh", "-c", `cd ${CLONE} && { ${command}; } 2>&1`);
  const ok = result.code === code && shows.test(result.output);
  console.log(`${ok ? "ok  " : "FAIL"} ${what} (${seconds(began)})`);
  if (!ok)
    console.log(
      `     ${command}\n     exit status ${result.code}\n${result.output.slice(-3000).replace(/^/gm, "     ")}`,
    );
  return ok;
}

async function cloneInto(machine: Machine): Promise<void> {
  const folder = mkdtempSync("/var/tmp/berth-vm-clone-");
  try {
    const clone = Bun.spawn(["git", "clone", "--quiet", "--no-hardlinks", ".", `${folder}/berth`]);
    if ((await clone.exited) !== 0) throw new Error("git clone failed");
    const user = "useradd -m -s /bin/bash ada && echo 'ada ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ada";
    // busybox-static makes the initrd anew: four minutes here, for nothing, since this machine's comes from outside.
    const initrd = "echo update_initramfs=no >/etc/initramfs-tools/update-initramfs.conf";
    await machine.exec("sh", "-c", `${user} && ${initrd}`);
    const archive = Bun.spawn(["tar", "-C", folder, "-c", "berth"], { stdout: "pipe" });
    await machine.unpack(archive.stdout, "/home/ada");
    await machine.exec("chown", "-R", "ada:ada", CLONE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const began = performance.now();
using cable = layCable();
await using machine = await startMachine({ cable: cable.near });
console.log(`     a Debian 12 has booted (${seconds(began)})`);
await cloneInto(machine);
let failed = 0;
for (const each of CHECKS) if (!(await check(machine, each))) failed += 1;
{
  await using _far = await startFarMachine(cable.far, machine);
  for (const each of networks) if (!(await check(machine, each))) failed += 1;
}
const total = CHECKS.length + networks.length;
console.log(`${total - failed} passed, ${failed} failed (${seconds(began)})`);
process.exitCode = failed > 0 ? 1 : 0;

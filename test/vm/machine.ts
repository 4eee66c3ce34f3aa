// A stock Debian 12 as users have it (kernel 6.1, systemd, cgroup v2, AppArmor), with Node.js, npm and git, booted in
// QEMU by software emulation: slow, but it shows what the development machine's own kernel can't. The base disk is
// made once (three minutes) and kept in BERTH_VM_ROOT (default /var/tmp/berth-vm-base); each machine writes to an overlay.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const home = process.env.BERTH_VM_ROOT ?? "/var/tmp/berth-vm-base";
const TOOLS = [
  ["/usr/sbin/debootstrap", "debootstrap"],
  ["/usr/bin/qemu-system-x86_64", "qemu-system-x86 seabios ipxe-qemu"],
  ["/usr/bin/qemu-img", "qemu-utils"],
  ["/usr/sbin/mke2fs", "e2fsprogs"],
  ["/usr/bin/ssh", "openssh-client"],
] as const;
const SYSTEM =
  "systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,openssh-server,iproute2,procps,ca-certificates,curl,apparmor,iputils-ping,sudo";
/** Seconds until a machine answers: software emulation boots in about half a minute, longer beside other work. */
const BOOT_LIMIT = 300;
/** Seconds for one command; the set-up of a fresh clone takes most of that beside other work. */
const COMMAND_LIMIT = 1200;

async function run(
  command: string[],
  options: { input?: ReadableStream; limit?: number } = {},
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn(command, {
    stdin: options.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    ...(options.limit && { timeout: options.limit * 1000 }),
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: out + err };
}

async function must(command: string[]): Promise<string> {
  const { code, output } = await run(command);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${output.slice(-2000)}`);
  return output;
}

/** Where this host gets packages from, its machines do too: apt's and npm's settings, its own authorities and names. */
function takeOverSettings(root: string): void {
  rmSync(join(root, "etc/apt/sources.list"), { force: true });
  for (const path of [
    "etc/apt/sources.list",
    "etc/npmrc",
    "usr/local/etc/npmrc",
    "root/.npmrc",
    "etc/ssl/certs/ca-certificates.crt",
  ])
    if (existsSync(`/${path}`)) {
      mkdirSync(join(root, path, ".."), { recursive: true });
      copyFileSync(`/${path}`, join(root, path));
    }
  for (const folder of ["etc/apt/sources.list.d", "etc/apt/apt.conf.d"])
    for (const name of existsSync(`/${folder}`) ? readdirSync(`/${folder}`) : [])
      copyFileSync(`/${folder}/${name}`, join(root, folder, name));
  const names = readFileSync("/etc/hosts", "utf8")
    .split("\n")
    .filter((line) => !/^\s*(127\.|::1|fe00|ff0)/.test(line));
  writeFileSync(join(root, "etc/hosts"), ["127.0.0.1 localhost", "127.0.1.1 berth-vm", ...names].join("\n"));
}

const IDENTITY = `#!/bin/sh
echo berth-vm >/etc/hostname; hostname berth-vm
for i in lo eth0; do ip link set "$i" up; done
ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
`;
const UNIT = `[Unit]
Description=Host name and address of this machine
After=systemd-udev-settle.service
Wants=systemd-udev-settle.service
Before=ssh.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/identity
[Install]
WantedBy=multi-user.target
`;

async function installTools(): Promise<void> {
  const missing = TOOLS.filter(([file]) => !existsSync(file)).flatMap(([, packages]) => packages.split(" "));
  if (missing.length === 0) return;
  await run(["apt-get", "update", "-qq"]);
  await must(["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing]);
}

/** The base disk: debootstrap, then Node.js, npm and git from a chroot, at the host's speed. */
async function makeBase(): Promise<void> {
  if (existsSync(join(home, "base.img"))) return;
  console.log("making the base of the virtual machine (about three minutes, once)");
  await installTools();
  mkdirSync(home, { recursive: true });
  // Under names of its own until it is whole: another run may be making one at the same time.
  const root = mkdtempSync(join(home, "root-"));
  chmodSync(root, 0o755);
  const image = `${root}.img`;
  if (!existsSync(join(home, "key")))
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, "key")]);
  await must(["debootstrap", "--variant=minbase", `--include=${SYSTEM}`, "bookworm", root]);
  takeOverSettings(root);
  copyFileSync("/etc/resolv.conf", join(root, "etc/resolv.conf"));
  await must(["chroot", root, "apt-get", "update", "-qq"]);
  await must([
    "chroot",
    root,
    "apt-get",
    "install",
    "-y",
    "-qq",
    "--no-install-recommends",
    "nodejs",
    "npm",
    "git",
  ]);
  mkdirSync(join(root, "root/.ssh"), { recursive: true, mode: 0o700 });
  copyFileSync(join(home, "key.pub"), join(root, "root/.ssh/authorized_keys"));
  writeFileSync(join(root, "etc/fstab"), "/dev/vda / ext4 defaults 0 1\n");
  writeFileSync(join(root, "etc/resolv.conf"), "nameserver 10.0.2.3\n");
  writeFileSync(join(root, "usr/local/sbin/identity"), IDENTITY, { mode: 0o755 });
  writeFileSync(join(root, "etc/systemd/system/identity.service"), UNIT);
  await must(["chroot", root, "systemctl", "enable", "-q", "identity.service"]);
  await must(["truncate", "-s", "12G", image]);
  await must(["mke2fs", "-q", "-t", "ext4", "-d", root, image]);
  const boot = join(root, "boot");
  for (const name of readdirSync(boot)) {
    if (name.startsWith("vmlinuz-")) copyFileSync(join(boot, name), join(home, "vmlinuz"));
    if (name.startsWith("initrd.img-")) copyFileSync(join(boot, name), join(home, "initrd"));
  }
  rmSync(root, { recursive: true });
  renameSync(image, join(home, "base.img"));
}

export interface Machine extends AsyncDisposable {
  /** The command line that a shell in the machine begins with, for a person who wants to look around. */
  ssh: string[];
  /** Runs a command as root; answers its exit status and what it printed. */
  exec(...command: string[]): Promise<{ code: number; output: string }>;
  /** Unpacks a tar stream into a folder of the machine. */
  unpack(tar: ReadableStream, folder: string): Promise<void>;
  /** Boots it again as its systemd does it, and waits until it answers. */
  reboot(): Promise<void>;
}

/** Empty for a file that isn't there yet. */
const lastWords = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").slice(-1500) : "");

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

const cableOptions = ({ local, remote, mac }: CableEnd) => [
  "-netdev",
  `dgram,id=cable,local.type=unix,local.path=${local},remote.type=unix,remote.path=${remote}`,
  "-device",
  `virtio-net-pci,netdev=cable,mac=${mac}`,
];

/** One end of a cable between two machines, where the machine has its `eth1`. */
export interface CableEnd {
  /** Paths of the two ends' unix sockets. */
  local: string;
  remote: string;
  mac: string;
}

export async function startMachine({ cable }: { cable?: CableEnd } = {}): Promise<Machine> {
  await makeBase();
  const folder = mkdtempSync("/var/tmp/berth-vm-");
  const disk = join(folder, "disk.qcow2");
  await must(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", join(home, "base.img"), disk]);
  const port = await freePort();
  const qemu = Bun.spawn(
    [
      "qemu-system-x86_64",
      "-accel",
      "tcg,thread=multi",
      "-cpu",
      "max",
      "-machine",
      "q35",
      "-m",
      "2560",
      "-smp",
      "2",
      "-display",
      "none",
      "-serial",
      `file:${folder}/console.log`,
      "-kernel",
      join(home, "vmlinuz"),
      "-initrd",
      join(home, "initrd"),
      "-append",
      "root=/dev/vda rw console=ttyS0 quiet tsc=unstable net.ifnames=0",
      "-drive",
      `file=${disk},format=qcow2,if=virtio,cache=unsafe`,
      "-netdev",
      `user,id=out,hostfwd=tcp:127.0.0.1:${port}-:22`,
      "-device",
      "virtio-net-pci,netdev=out",
      ...(cable ? cableOptions(cable) : []),
    ],
    { stdin: "ignore", stdout: "ignore", stderr: Bun.file(`${folder}/qemu.log`) },
  );
  const ssh = [
    "ssh",
    "-q",
    "-i",
    join(home, "key"),
    "-p",
    String(port),
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "ConnectTimeout=60",
    "-o",
    "ServerAliveInterval=10",
    "root@127.0.0.1",
  ];
  const machine: Machine = {
    ssh,
    exec: (...command) => run([...ssh, command.map(quoted).join(" ")], { limit: COMMAND_LIMIT }),
    async unpack(tar, into) {
      const { code, output } = await run(
        [...ssh, `mkdir -p ${quoted(into)} && tar -C ${quoted(into)} -xf -`],
        { input: tar, limit: COMMAND_LIMIT },
      );
      if (code !== 0) throw new Error(`unpacking in the machine failed: ${output}`);
    },
    async reboot() {
      // A busy machine may not answer at once: without the boot's id from before, any answer would look like a new boot.
      let before = "";
      await answer((id) => {
        before = id;
        return true;
      });
      await machine.exec("systemctl", "reboot");
      await answer((id) => id !== before);
    },
    async [Symbol.asyncDispose]() {
      qemu.kill();
      await qemu.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  /** Empty while it doesn't answer. */
  const bootId = async () =>
    (await run([...ssh, "cat /proc/sys/kernel/random/boot_id"], { limit: 30 })).output.trim();
  async function answer(booted: (id: string) => boolean): Promise<void> {
    const until = Date.now() + BOOT_LIMIT * 1000;
    for (let id = await bootId(); id === "" || !booted(id); id = await bootId()) {
      if (Date.now() > until || qemu.exitCode !== null) {
        const said = ["qemu.log", "console.log"].map((name) => lastWords(join(folder, name))).join("");
        throw new Error(`the machine did not come up; it said at last:\n${said}`);
      }
      await Bun.sleep(1000);
    }
  }
  try {
    await answer(() => true);
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
  return machine;
}

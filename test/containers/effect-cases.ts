// What create options do, seen from inside: each runs a program, in a daemon and in a recorded Docker (record-effects.ts).
import { BUSYBOX } from "../fixtures/busybox.ts";

export interface EffectCase {
  config?: Record<string, unknown>;
  host?: Record<string, unknown>;
  /** For `sh -c`; absent where the case has a command of its own. */
  script?: string;
  /** Where ours does otherwise, and why. */
  difference?: { text: string; reason: string };
}

const mount = (own: object) => ({ Mounts: [{ Target: "/x", ...own }] });
const MB = 1024 * 1024;
const SHOW_X = "grep ' /x ' /proc/mounts | cut -d' ' -f2-4";

/** OWNER runs with `--ipc shareable`, a bind of /tmp, a volume, an anonymous one and a tmpfs; STOPPED never ran. */
export const EFFECTS: Record<string, EffectCase> = {
  // The program.
  "an init that forwards signals": {
    host: { Init: true },
    script:
      "trap 'echo told; exit 7' TERM; tr '\\0' ' ' </proc/1/cmdline | cut -c1-24; echo; kill -TERM 1; sleep 5 & wait",
  },
  "an init that reaps": {
    host: { Init: true },
    script: "(sleep 0.05 & exec true) & wait; sleep 0.2; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l",
  },
  entrypoint: { config: { Entrypoint: ["echo", "-n"], Cmd: ["a", "b c"] } },
  "no entrypoint": { config: { Entrypoint: [""], Cmd: ["echo", "x"] } },
  environment: {
    config: { Env: ["A=1", "A=2", "EMPTY=", "PATH=/bin:/own"], Hostname: "h" },
    script: "env | sort",
  },
  "a terminal": {
    config: { Hostname: "h" },
    host: { ConsoleSize: [33, 99] },
    script: "echo $TERM; stty size",
  },

  // Users.
  "a user by name": { config: { User: "nobody" }, script: "id -u; id -g; id -G; echo $HOME" },
  "a user by number": { config: { User: "1234" }, script: "id -u; id -g; id -G; echo $HOME" },
  "user and group by number": { config: { User: "1234:5678" }, script: "id -u; id -g; id -G" },
  "user and group by name": { config: { User: "nobody:root" }, script: "id -u; id -g; id -G" },
  "a group alone": { config: { User: ":nogroup" }, script: "id -u; id -g" },
  "more groups": { host: { GroupAdd: ["nogroup", "4242"] }, script: "id -G" },
  "an unknown user": { config: { User: "nosuch" }, script: "true" },
  "an unknown group": { config: { User: "root:nosuch" }, script: "true" },
  "a user out of range": { config: { User: "99999999999" }, script: "true" },
  "an unknown group more": { host: { GroupAdd: ["nosuch"] }, script: "true" },
  "a negative group": { host: { GroupAdd: ["-5"] }, script: "true" },

  // Folders and names.
  "a working folder that is made": {
    config: { WorkingDir: "/new/folder", User: "1000:1000" },
    script: "pwd; stat -c '%u:%g %a' /new /new/folder",
  },
  "a working folder that is a file": { config: { WorkingDir: "/etc/passwd" }, script: "true" },
  "host and domain name": {
    config: { Hostname: "h", Domainname: "d.example" },
    host: { NetworkMode: "bridge" },
    script: "hostname; cat /etc/hostname; tail -1 /etc/hosts | cut -f2; cat /proc/sys/kernel/domainname",
  },
  "a host name with dots": {
    config: { Hostname: "h.example.org" },
    host: { NetworkMode: "bridge" },
    script: "hostname; cat /etc/hostname; tail -1 /etc/hosts | cut -f2",
  },
  "a host name that is too long": { config: { Hostname: "a".repeat(65) }, script: "true" },
  "more hosts": {
    host: { NetworkMode: "bridge", ExtraHosts: ["a:1.2.3.4", "b:::1", "gate:host-gateway"] },
    script: "grep -w -E 'a|b' /etc/hosts; grep -c -w gate /etc/hosts",
  },
  "name servers": {
    host: {
      NetworkMode: "bridge",
      Dns: ["9.9.9.9", "8.8.8.8"],
      DnsSearch: ["ex.org", "b.org"],
      DnsOptions: ["ndots:3", "timeout:1"],
    },
    script: "grep -v '^#' /etc/resolv.conf",
  },
  "no search domain": {
    host: { NetworkMode: "bridge", Dns: ["9.9.9.9"], DnsSearch: ["."] },
    script: "grep -v '^#' /etc/resolv.conf",
  },
  "a MAC address": {
    config: { NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: "02:42:ac:11:00:99" } } } },
    host: { NetworkMode: "bridge" },
    script: "cat /sys/class/net/eth0/address",
  },
  "no network": { host: { NetworkMode: "none" }, script: "ls /sys/class/net; grep -c . /etc/hosts" },

  // Rights.
  "no capability": { host: { CapDrop: ["ALL"] }, script: "grep Cap /proc/self/status" },
  "capabilities by name": {
    host: { CapDrop: ["ALL"], CapAdd: ["net_admin", "CAP_CHOWN"] },
    script: "grep Cap /proc/self/status",
  },
  "capabilities of a user": {
    config: { User: "1000" },
    host: { CapAdd: ["NET_ADMIN"] },
    script: "grep Cap /proc/self/status",
  },
  "the default rights": { script: "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status" },
  "no new privileges": {
    host: { SecurityOpt: ["no-new-privileges"] },
    script: "grep NoNew /proc/self/status",
  },
  "new privileges after all": {
    host: { SecurityOpt: ["no-new-privileges=false"] },
    script: "grep NoNew /proc/self/status",
  },
  "no filter of system calls": {
    host: { SecurityOpt: ["seccomp=unconfined"] },
    script: "grep Seccomp: /proc/self/status; unshare -U true && echo made",
  },
  "the built-in filter": {
    host: { SecurityOpt: ["seccomp=builtin"] },
    script: "grep Seccomp: /proc/self/status; unshare -U true 2>&1 | grep -c 'not permitted'",
  },
  "a filter of one's own": {
    host: {
      SecurityOpt: [
        `seccomp=${JSON.stringify({
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }],
        })}`,
      ],
    },
    script: "mkdir /y; echo $?",
  },
  "a filter that is none": {
    host: { SecurityOpt: ["seccomp={"] },
    script: "true",
    difference: {
      text: "400 Decoding seccomp profile failed: JSON Parse error: Expected '}'",
      reason: "each reader of JSON has words of its own for what is wrong with it",
    },
  },
  labels: { host: { SecurityOpt: ["label=disable", "label=type:x"] }, script: "echo ok" },
  "an unknown security option": { host: { SecurityOpt: ["nosuch=1"] }, script: "true" },
  "all system paths": {
    host: { MaskedPaths: [], ReadonlyPaths: [] },
    script: "grep -c -E ' (/proc/.*|/sys/firmware) ' /proc/mounts",
  },
  "a read-only root": {
    host: { ReadonlyRootfs: true, Tmpfs: { "/run": "" } },
    script: "for f in /x /etc/hosts /run/x /dev/x /dev/shm/x; do touch $f 2>/dev/null && echo $f; done; true",
  },

  // Devices and limits.
  "a device": {
    host: { Devices: [{ PathOnHost: "/dev/zero", PathInContainer: "/dev/mine", CgroupPermissions: "r" }] },
    script: "stat -c '%F %t:%T' /dev/mine; head -c 3 /dev/mine | wc -c; echo x >/dev/mine",
  },
  "a device that isn't there": {
    host: { Devices: [{ PathOnHost: "/dev/nosuch", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
    script: "true",
  },
  "a device that is none": {
    host: { Devices: [{ PathOnHost: "/etc/passwd", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
    script: "true",
  },
  "a rule for devices": {
    host: { DeviceCgroupRules: ["c 1:11 rwm"] },
    script: "mknod /tmp/own c 1 11 && test -c /tmp/own && echo made",
  },
  "a rule for devices that is none": { host: { DeviceCgroupRules: ["x 1:11 rwm"] }, script: "true" },
  "a limit for a device that isn't there": {
    host: { BlkioDeviceReadBps: [{ Path: "/dev/nosuch", Rate: 1000 }] },
    script: "true",
  },
  "limits of processes": {
    host: {
      Ulimits: [
        { Name: "nofile", Soft: 100, Hard: 200 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
    },
    script: "ulimit -Sn; ulimit -Hn; ulimit -c",
  },
  "a limit that is none": {
    host: { Ulimits: [{ Name: "nosuch", Soft: 1, Hard: 1 }] },
    script: "true",
    difference: {
      text: "500 failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: invalid rlimit `RLIMIT_NOSUCH`",
      reason: "crun's words and not runc's",
    },
  },
  "the kernel's settings": {
    host: { Sysctls: { "net.core.somaxconn": "99", "kernel.msgmax": "9000", "fs.mqueue.msg_max": "20" } },
    script: "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max",
  },
  "a setting of the whole kernel": {
    host: { Sysctls: { "kernel.pid_max": "9999" } },
    script: "true",
    difference: {
      text: "500 failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: the sysctl `kernel.pid_max` is not namespaced",
      reason: "crun's words and not runc's",
    },
  },
  "how soon it is a victim of memory": { host: { OomScoreAdj: 500 }, script: "cat /proc/self/oom_score_adj" },
  "few processes": {
    host: { PidsLimit: 4 },
    script: "for i in 1 2 3 4 5; do sleep 0.1 & done; wait",
  },

  // Memory that is shared, and file systems in memory.
  "a size for shared memory": {
    host: { ShmSize: MB },
    script: "df -k /dev/shm | tail -1 | awk '{print $2}'",
  },
  "a tmpfs": {
    config: { User: "1000" },
    host: { Tmpfs: { "/t": "", "/tmp": "" } },
    script: "grep -E ' /(t|tmp) ' /proc/mounts; touch /t/x && echo ok; stat -c %a /t /tmp",
  },
  "a tmpfs with options": {
    host: { Tmpfs: { "/t": "size=1m,mode=700,uid=1000,exec", "/u": "ro,noatime,nr_inodes=100" } },
    script: "grep -E ' /(t|u) ' /proc/mounts | sort; stat -c '%a %u' /t",
  },
  "a tmpfs that propagates": { host: { Tmpfs: { "/t": "rshared" } }, script: "grep ' /t ' /proc/mounts" },
  "a tmpfs with an option that is none": { host: { Tmpfs: { "/t": "foo" } }, script: "true" },
  "a tmpfs as a mount": {
    host: mount({ Type: "tmpfs", TmpfsOptions: { SizeBytes: MB, Mode: 0o1770, Options: [["exec"]] } }),
    script: SHOW_X,
  },
  "no shared memory": { host: { IpcMode: "none" }, script: "ls /dev/shm 2>&1 | grep -c 'No such'" },

  // Namespaces.
  "another's processes": { host: { PidMode: "container:OWNER" }, script: "tr '\\0' ' ' </proc/1/cmdline" },
  "another's shared memory": { host: { IpcMode: "container:OWNER" }, script: "cat /dev/shm/note" },
  "another's network": {
    host: { NetworkMode: "container:OWNER" },
    script: "test $(hostname) = $(cat /etc/hostname) && ls /sys/class/net",
  },
  "processes of one that doesn't run": { host: { PidMode: "container:STOPPED" }, script: "true" },
  "shared memory of one that doesn't run": { host: { IpcMode: "container:STOPPED" }, script: "true" },
  "network of one that doesn't run": {
    host: { NetworkMode: "container:STOPPED" },
    script: "true",
  },
  "the host's processes": { host: { PidMode: "host" }, script: "test -d /proc/$PPID && ls -d /proc/1" },
  "a cgroup namespace of its own": {
    host: { CgroupnsMode: "private" },
    script: "cut -d: -f3 /proc/self/cgroup | sort -u",
  },

  // Mounts.
  "volumes of another": {
    host: { VolumesFrom: ["OWNER"] },
    script: "ls -d /bind /volume /anonymous; test -d /tmpfs || echo no tmpfs; touch /volume/x && echo ok",
  },
  "volumes of another, read-only": {
    host: { VolumesFrom: ["OWNER:ro"] },
    script: "touch /volume/x 2>&1 | grep -c Read-only",
  },
  "labels of SELinux on a host without": {
    host: { Binds: ["/tmp:/x:z", "/tmp:/y:ro,Z"] },
    script: "ls -d /x /y",
  },
  "a bind, read-only": { host: { Binds: ["/tmp:/x:ro"] }, script: "touch /x/y 2>&1 | grep -c Read-only" },
  "a bind of a source that is made": {
    host: mount({ Type: "bind", Source: "/tmp/effects-made/deep", BindOptions: { CreateMountpoint: true } }),
    script: "ls -A /x | wc -l; rmdir /x 2>/dev/null; true",
  },
  "a volume with the image's content": {
    host: { Binds: ["effects-etc:/etc"] },
    script: "ls /etc/passwd /etc/group",
  },
  "a volume without the image's content": {
    host: { Binds: ["effects-etc2:/etc:nocopy"] },
    script: "ls /etc",
  },
  "a part of a volume": {
    host: mount({ Type: "volume", Source: "effects-v", VolumeOptions: { Subpath: "a/b" } }),
    script: "cat /x/file",
  },
  "a part of a volume that isn't there": {
    host: mount({ Type: "volume", Source: "effects-v", VolumeOptions: { Subpath: "no/such" } }),
    script: "true",
    difference: {
      text: "404 cannot access path /ROOT/volumes/effects-v/_data/no/such: lstat /ROOT/volumes/effects-v/_data/no/such: no such file or directory",
      reason: "opened in one go, so nobody knows which part was missing",
    },
  },
  "a link out of a volume": {
    host: mount({ Type: "volume", Source: "effects-v", VolumeOptions: { Subpath: "up" } }),
    script: "true",
  },
  "a volume that is a mount": {
    host: mount({
      Type: "volume",
      Source: "effects-tmpfs",
      VolumeOptions: { DriverConfig: { Options: { type: "tmpfs", device: "tmpfs", o: "size=1m" } } },
    }),
    script: SHOW_X,
  },
  "an image": {
    host: mount({ Type: "image", Source: BUSYBOX, ImageOptions: { Subpath: "etc" } }),
    script: "ls /x; touch /x/y 2>&1 | grep -c Read-only",
  },
};

/** Asks a daemon; the body is JSON. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<{ status: number; text: string }>;

const NAMES: Record<string, string> = { OWNER: "effects-owner", STOPPED: "effects-stopped" };

async function create(ask: Ask, query: string, body: object): Promise<{ id?: string; refused: string }> {
  const { status, text } = await ask("POST", `/v1.51/containers/create${query}`, { Image: BUSYBOX, ...body });
  const { Id, message } = JSON.parse(text) as { Id?: string; message?: string };
  return { ...(Id && { id: Id }), refused: `${status} ${message}` };
}

/** Makes the containers that cases name, and a volume with something in it. */
export async function prepare(ask: Ask): Promise<{ remove: () => Promise<void> }> {
  const owner = await create(ask, "?name=effects-owner", {
    Cmd: ["sh", "-c", "echo noted >/dev/shm/note; exec sleep 600"],
    HostConfig: {
      IpcMode: "shareable",
      Binds: ["/tmp:/bind", "effects-volume:/volume"],
      Mounts: [{ Type: "volume", Target: "/anonymous" }],
      Tmpfs: { "/tmpfs": "" },
    },
  });
  await ask("POST", "/v1.51/containers/effects-owner/start");
  const stopped = await create(ask, "?name=effects-stopped", { Cmd: ["true"] });
  const filler = await create(ask, "?name=effects-filler", {
    Cmd: ["sh", "-c", "mkdir -p /v/a/b; echo hi >/v/a/b/file; ln -s ../../../.. /v/up"],
    HostConfig: { Binds: ["effects-v:/v"], NetworkMode: "none" },
  });
  await ask("POST", "/v1.51/containers/effects-filler/start");
  await ask("POST", "/v1.51/containers/effects-filler/wait");
  return {
    async remove() {
      for (const { id } of [owner, stopped, filler])
        await ask("DELETE", `/v1.51/containers/${id}?force=1&v=1`);
      for (const name of ["volume", "v", "etc", "etc2", "tmpfs"])
        await ask("DELETE", `/v1.51/volumes/effects-${name}`);
    },
  };
}

/** What came of it: the exit status and the output, or the refusal. */
export async function effectOf(ask: Ask, { config = {}, host = {}, script }: EffectCase): Promise<string> {
  const named = JSON.parse(
    JSON.stringify(host).replace(/container:(OWNER|STOPPED)/g, (_, word) => `container:${NAMES[word]}`),
  );
  if (named.VolumesFrom)
    named.VolumesFrom = named.VolumesFrom.map((from: string) => from.replace("OWNER", "effects-owner"));
  const { id, refused } = await create(ask, "", {
    Tty: true,
    ...(script && { Cmd: ["sh", "-c", script] }),
    ...config,
    // A network takes time, and most options have nothing to do with it.
    HostConfig: { NetworkMode: "none", ...named },
  });
  if (!id) return words(refused);
  try {
    const started = await ask("POST", `/v1.51/containers/${id}/start`);
    if (started.status !== 204)
      return words(`${started.status} ${(JSON.parse(started.text) as { message: string }).message}`, id);
    const { StatusCode } = JSON.parse((await ask("POST", `/v1.51/containers/${id}/wait`)).text) as {
      StatusCode: number;
    };
    const { text } = await ask("GET", `/v1.51/containers/${id}/logs?stdout=1&stderr=1`);
    return words(`${text.replaceAll("\r", "")}exit ${StatusCode}`, id);
  } finally {
    await ask("DELETE", `/v1.51/containers/${id}?force=1&v=1`);
  }
}

const words = (text: string, id = "none"): string =>
  text
    .replaceAll(id, "ID")
    .replaceAll(id.slice(0, 12), "SHORT-ID")
    .replace(/\b[0-9a-f]{64}\b/g, "HEX64")
    .replace(/\/\S*\/volumes\//g, "/ROOT/volumes/");

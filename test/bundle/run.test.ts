// Bundles run by the real runtimes, looked at from inside: what the process may and may not do.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CAPABILITIES } from "../../src/runtime/bundle/capabilities.ts";
import { hostFacts } from "../../src/runtime/bundle/host-facts.ts";
import { supportsRecursiveReadOnly } from "../../src/runtime/index.ts";
import { parseBind } from "../../src/volumes/mount-spec.ts";
import { planMounts } from "../../src/volumes/plan.ts";
import { realiseBind, toBundleMounts, withInheritedOptions } from "../../src/volumes/realise.ts";
import { BundleHost } from "./run-bundle.ts";

const host = new BundleHost();
afterAll(() => host[Symbol.asyncDispose]());

/** The kernel's number for capabilities: bits in hexadecimal, as /proc/self/status has them. */
const DEFAULT_CAPABILITIES = "00000000a80425fb";
const v2 = host.environment.cgroups.mode === "v2";
/** System call numbers for perl's syscall(): asm/unistd_64.h, asm-generic/unistd.h. */
const KEYCTL = host.environment.platform.architecture === "amd64" ? 250 : 219;
/** The host's perl, seen inside: it can make any system call. */
const HOST_PROGRAMS = ["/usr", "/lib", "/lib64"]
  .filter((path) => existsSync(path))
  .map((path) => ({ destination: path, source: path, type: "bind" as const, options: ["rbind", "ro"] }));

/** A device that can be opened and that no container has by itself. */
const DEVICE =
  ["/dev/fuse", "/dev/net/tun", "/dev/loop-control"].find((path) => existsSync(path)) ?? "/dev/kmsg";

for (const runtime of ["crun", "runc"])
  describe(`a bundle that ${runtime} runs`, () => {
    const run = (script: string, options: Parameters<BundleHost["run"]>[2] = {}) =>
      host.run(runtime, script, options);
    const lines = async (script: string, options: Parameters<BundleHost["run"]>[2] = {}) => {
      const output = await run(script, options);
      expect({ code: output.code, stderr: output.stderr }).toEqual({ code: 0, stderr: "" });
      return output.stdout.trimEnd().split("\n");
    };

    test("has Docker's capabilities, a seccomp filter, and a name, environment and files of its own", async () => {
      const [effective, bounding, filter, name, image, file, sysctl] = await lines(
        `grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status | grep -o '[0-9a-f]*$'
         hostname; echo $FROM_IMAGE; cat /etc/hosts; cat /proc/sys/net/ipv4/ip_unprivileged_port_start`,
      );
      expect([effective, bounding, filter]).toEqual([DEFAULT_CAPABILITIES, DEFAULT_CAPABILITIES, "2"]);
      expect([name, image, file, sysctl]).toEqual(["inside", "yes", "hosts of the test", "0"]);
    });

    test("sees masked paths empty and can't write read-only ones", async () => {
      const output = await run(
        "cat /proc/keys /proc/timer_list; ls /proc/acpi /sys/firmware; echo 1 >/proc/sys/kernel/panic; touch /sys/x",
      );
      expect(output.stdout).not.toContain("keyring");
      expect(output.stderr).toContain("/proc/sys/kernel/panic: Read-only file system");
      expect(output.stderr).toContain("/sys/x: Read-only file system");
    });

    test("can't mount, make user namespaces or read keys", async () => {
      const { stdout, stderr } = await run(
        `mount -t tmpfs x /tmp; busybox unshare -U true; /usr/bin/perl -e '
           print syscall(${KEYCTL}, 0, -3, 0), " ", $!+0, "\\n"'`,
        { input: { mounts: HOST_PROGRAMS } },
      );
      expect(stderr).toMatch(/mount: .*Operation not permitted|mount: permission denied/);
      expect(stderr).toContain("unshare");
      expect(stdout).toBe("-1 1\n");
    });

    test("may read keys without the filter, or with a profile of the user's that allows it", async () => {
      const script = `/usr/bin/perl -e 'print syscall(${KEYCTL}, 0, -3, 0) > 0 ? "key" : $!+0; print mkdir("/tmp/new") ? " made" : " ".($!+0)'`;
      const profile = JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }],
      });
      const input = { mounts: HOST_PROGRAMS };
      const none = await run(`rm -rf /tmp/new; ${script}`, {
        input,
        hostConfig: { SecurityOpt: ["seccomp=unconfined"] },
      });
      expect(none.stdout).toBe("key made");
      const own = await run(script, { input, hostConfig: { SecurityOpt: [`seccomp=${profile}`] } });
      expect(own.stdout).toBe("key 13");
    });

    test("uses only its devices, as it may", async () => {
      const { stdout, stderr } = await run(
        `true </dev/own && echo read; true >/dev/own; rm -f /tmp/other; mknod /tmp/other b 254 77; cat /tmp/other
         echo x >/dev/null && echo null; ls /dev/kmsg`,
        {
          hostConfig: {
            Devices: [{ PathOnHost: DEVICE, PathInContainer: "/dev/own", CgroupPermissions: "rm" }],
          },
        },
      );
      expect(stdout).toBe("read\nnull\n");
      expect(stderr).toContain("/dev/own: Operation not permitted");
      expect(stderr).toContain("/tmp/other': Operation not permitted");
      expect(stderr).toContain("/dev/kmsg: No such file or directory");
    });

    test("runs as the image's user with its groups, in a folder made for it", async () => {
      expect(
        await lines("id -u; id -g; id -G; pwd; stat -c %u:%a .", {
          config: { User: "app", WorkingDir: `/made/${runtime}/here` },
          hostConfig: { GroupAdd: ["extra", "4242"] },
        }),
      ).toEqual(["1000", "1000", "1000 50 77 4242", `/made/${runtime}/here`, "0:755"]);
      const { uid, mode } = statSync(join(host.rootfs, "made", runtime, "here"));
      expect([uid, mode & 0o777]).toEqual([0, 0o755]);
      expect(await lines("echo $HOME", { config: { User: "app" } })).toEqual(["/home/app"]);
      expect(await lines("echo $HOME", { config: { User: "4000" } })).toEqual(["/"]);
    });

    test("has the limits that were asked for", async () => {
      const file = v2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
      const pids = v2 ? "/sys/fs/cgroup/pids.max" : "/sys/fs/cgroup/pids/pids.max";
      expect(
        await lines(`ulimit -Sn; ulimit -Hn; ulimit -c; cat ${file} ${pids} /proc/self/oom_score_adj`, {
          hostConfig: {
            Memory: 64 * 1024 * 1024,
            PidsLimit: 77,
            OomScoreAdj: 300,
            Ulimits: [
              { Name: "nofile", Soft: 100, Hard: 200 },
              { Name: "core", Soft: -1, Hard: -1 },
            ],
          },
        }),
      ).toEqual(["100", "200", "unlimited", String(64 * 1024 * 1024), "77", "300"]);
    });

    test("has all capabilities, no filter and the host's devices when privileged", async () => {
      const all = hostFacts(host.environment).capabilities.map((name) => CAPABILITIES.indexOf(name));
      const device = existsSync("/dev/kmsg") ? "/dev/kmsg" : "/dev/null";
      const [effective = "", filter, found] = await lines(
        `grep -E '^(CapEff|Seccomp):' /proc/self/status | grep -o '[0-9a-f]*$'; ls ${device}; mount -t tmpfs x /tmp`,
        { hostConfig: { Privileged: true } },
      );
      expect(BigInt(`0x${effective}`)).toBe(all.reduce((sum, number) => sum | (1n << BigInt(number)), 0n));
      expect([filter, found]).toEqual(["0", device]);
    });

    test("gets no new privileges when told so", async () => {
      const script = "grep NoNewPrivs: /proc/self/status | grep -o '[01]$'";
      expect(await lines(script, { hostConfig: { SecurityOpt: ["no-new-privileges"] } })).toEqual(["1"]);
      expect(await lines(script)).toEqual(["0"]);
    });

    test("writes only where it may when its root is read-only", async () => {
      const output = await run("touch /x /etc/hosts; touch /run/y && grep ' /run ' /proc/mounts", {
        hostConfig: { ReadonlyRootfs: true },
        input: {
          mounts: [{ destination: "/run", source: "", type: "tmpfs", options: ["size=1m", "mode=1770"] }],
        },
      });
      expect(output.stderr).toContain("/x: Read-only file system");
      expect(output.stderr).toContain("/etc/hosts: Read-only file system");
      expect(output.stdout).toMatch(/^tmpfs \/run tmpfs rw,nosuid,nodev,noexec,.*size=1024k,mode=1770/);
    });

    test("can't write below a read-only bind, nor in what is mounted in it", async () => {
      const inner = join(host.folder, "outer/inner");
      mkdirSync(inner, { recursive: true });
      writeFileSync(join(host.folder, "single"), "one file\n");
      const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "tmpfs", inner]);
      expect(mounted.success).toBe(true);
      try {
        const plan = planMounts(
          {
            binds: [`${host.folder}/outer:/b:ro`, `${host.folder}/single:/single:ro`],
            mounts: [],
            tmpfs: {},
            imageVolumes: [],
            inherited: [],
          },
          { dataRoot: "/var/lib/elsewhere" },
        );
        const realised = await withInheritedOptions(
          await Promise.all(plan.map((mount) => realiseBind(mount, { uid: 0, gid: 0 }))),
        );
        const mounts = toBundleMounts(realised, {}, supportsRecursiveReadOnly(host.environment));
        const output = await run("touch /b/x /b/inner/x /single; cat /single", { input: { mounts } });
        expect(output.stdout).toBe("one file\n");
        for (const path of ["/b/x", "/single"])
          expect(output.stderr).toContain(`${path}: Read-only file system`);
        if (supportsRecursiveReadOnly(host.environment))
          expect(output.stderr).toContain("/b/inner/x: Read-only file system");
      } finally {
        Bun.spawnSync(["umount", inner]);
      }
    });

    test("keeps what the host's mount of a folder forbids", async () => {
      const source = join(host.folder, "forbidden");
      mkdirSync(source, { recursive: true });
      Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec", "tmpfs", source]);
      Bun.spawnSync(["mount", "-o", "remount,bind,ro", source]);
      try {
        const mount = parseBind(`${source}:/x`);
        const realised = await withInheritedOptions([await realiseBind(mount, { uid: 0, gid: 0 })]);
        const mounts = toBundleMounts(realised, {}, supportsRecursiveReadOnly(host.environment));
        expect(await lines("grep ' /x ' /proc/mounts", { input: { mounts } })).toEqual([
          expect.stringContaining(" ro,nosuid,nodev,noexec,"),
        ]);
        const shm = { files: { shm: source } };
        expect(
          await lines("grep ' /dev/shm ' /proc/mounts", {
            hostConfig: { IpcMode: "shareable" },
            input: shm,
          }),
        ).toEqual([expect.stringContaining(" ro,nosuid,nodev,noexec,")]);
      } finally {
        Bun.spawnSync(["umount", source]);
      }
    });

    test("a tmpfs has the mode of the folder that it covers", async () => {
      const tmpfs = (destination: string, options: string[] = []) =>
        ({ destination, source: "", type: "tmpfs", options }) as const;
      // A folder that isn't there yet: with one that is, runc 1.1 lets the folder's mode win over the option.
      const fresh = `/new-${runtime}`;
      const mounts = [tmpfs("/tmp"), tmpfs("/data"), tmpfs(fresh, ["mode=0700"])];
      expect(await lines(`stat -c %a /tmp /data ${fresh}`, { input: { mounts } })).toEqual([
        "1777",
        "755",
        "700",
      ]);
    });

    test("starts under an init that reaps, and shared memory has its size", async () => {
      const output = await lines(
        "cat /proc/1/cmdline | busybox tr '\\0' ' '; echo; grep ' /dev/shm ' /proc/mounts",
        {
          hostConfig: { Init: true, ShmSize: 8 * 1024 * 1024 },
        },
      );
      expect(output[0]).toStartWith("/sbin/docker-init -- /bin/sh -c");
      expect(output[1]).toContain("size=8192k");
    });

    test("shares with the host what is asked for", async () => {
      const own = (name: string) => readlinkSync(`/proc/self/ns/${name}`);
      const script = "for n in pid ipc uts net mnt cgroup; do busybox readlink /proc/self/ns/$n; done";
      const [pid, ipc, uts, net, mnt, cgroup] = await lines(script, {
        hostConfig: {
          PidMode: "host",
          IpcMode: "host",
          UTSMode: "host",
          NetworkMode: "host",
          CgroupnsMode: "private",
        },
      });
      expect([pid, ipc, uts, net]).toEqual([own("pid"), own("ipc"), own("uts"), own("net")]);
      expect(mnt).not.toBe(own("mnt"));
      expect(cgroup).not.toBe(own("cgroup"));
      const alone = await lines(script);
      expect(alone.slice(0, 4).filter((each) => [pid, ipc, uts, net].includes(each))).toEqual([]);
    });

    test("joins another's namespaces", async () => {
      const other = await host.stay(runtime);
      const pid = readFileSync(
        join(host.folder, `state-${runtime}`, other.id, runtime === "crun" ? "status" : "state.json"),
        "utf8",
      );
      const number = Number(/"(?:pid|init_process_pid)"\s*:\s*(\d+)/.exec(pid)?.[1]);
      const [joined] = await lines("busybox readlink /proc/self/ns/ipc", {
        hostConfig: { IpcMode: `container:${other.id}` },
        input: { joinedNamespaces: { ipc: `/proc/${number}/ns/ipc` } },
      });
      expect(joined).toBe(readlinkSync(`/proc/${number}/ns/ipc`));
    });

    test("takes execs with the container's rights, or more", async () => {
      const config = { Env: ["A=1", "B=2"], User: "app" };
      const hostConfig = { CapDrop: ["ALL"], Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] };
      const container = await host.stay(runtime, { config, hostConfig });
      const script =
        "id -u; echo $A $B $C; pwd; ulimit -c; grep CapBnd /proc/self/status | grep -o '[0-9a-f]*$'";
      const plain = await host.exec(runtime, container, {
        config,
        hostConfig,
        exec: { cmd: ["sh", "-c", script], env: ["B=3", "C=4"], workingDir: "/tmp" },
      });
      expect(plain.stdout.split("\n")).toEqual([
        "1000",
        "1 3 4",
        "/tmp",
        "unlimited",
        "0000000000000000",
        "",
      ]);
      const strong = await host.exec(runtime, container, {
        config,
        hostConfig,
        exec: { cmd: ["sh", "-c", script], user: "0:staff", privileged: true },
      });
      const [uid, , cwd, , bounding = ""] = strong.stdout.split("\n");
      expect([uid, cwd]).toEqual(["0", "/"]);
      expect(BigInt(`0x${bounding}`)).not.toBe(0n);
      await expect(
        host.exec(runtime, container, { config, hostConfig, exec: { cmd: ["id"], user: "nobody-here" } }),
      ).rejects.toThrow("unable to find user nobody-here: no matching entries in passwd file");
    });
  });

test("config.json is root's alone", async () => {
  const { bundle } = await host.write({ config: { Cmd: ["true"] } });
  expect(statSync(join(bundle, "config.json")).mode & 0o777).toBe(0o600);
});

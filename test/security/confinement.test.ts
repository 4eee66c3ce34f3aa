// What a process in a container with default options can and can't do, tried from inside.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { maskedPaths, readonlyPaths } from "../../src/runtime/bundle/masked-paths.ts";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { importBusybox, BUSYBOX as T } from "../fixtures/busybox.ts";
import { callProbe, readProbe } from "../fixtures/call-probe.ts";
import { type Daemon, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { TRIALS } from "./calls.ts";

const SECRET = "a-secret-of-the-daemon";
let daemon: Daemon;
let berth: Client;
const plain = ["run", "--rm"];

beforeAll(async () => {
  daemon = await startDaemon({ env: { BERTH_TEST_SECRET: SECRET, HTTPS_PASSWORD: SECRET } });
  await importBusybox(daemon);
  berth = clientOf("berth", berthBinary(daemon.folder), daemon.host, join(daemon.folder, "client"));
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** Whether this host's kernel serves `int 0x80` at all, tried outside of a container. */
function has32BitCalls(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "berth-test-probe-"));
  const path = join(folder, "probe");
  writeFileSync(path, callProbe(TRIALS.filter(({ what }) => what === "getpid (32 bits)")), { mode: 0o755 });
  const { status } = spawnSync(path);
  rmSync(folder, { recursive: true });
  if (status !== 0) console.log("skipped: 32-bit system calls, as this kernel has none");
  return status === 0;
}

/** The output of a shell line in a new container. */
const inside = (line: string, ...options: string[]) =>
  berth.ok(
    ...plain,
    ...(options.includes("--network") ? [] : ["--network", "none"]),
    ...options,
    T,
    "sh",
    "-c",
    line,
  );

/** A container that stays for the work. */
async function kept<R>(options: string[], work: (id: string) => Promise<R>): Promise<R> {
  const id = await berth.ok("run", "-d", "--network", "none", ...options, T, "sleep", "60");
  try {
    return await work(id);
  } finally {
    await berth.ok("rm", "-f", id);
  }
}

const STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -s '\\t ' ' '";
/** chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap */
const DEFAULT = "00000000a80425fb";
const NOTHING = "0000000000000000";
const status = (permitted: string, bounding: string, more = {}) =>
  Object.entries({
    CapInh: NOTHING,
    CapPrm: permitted,
    CapEff: permitted,
    CapBnd: bounding,
    CapAmb: NOTHING,
    NoNewPrivs: "0",
    Seccomp: "2",
    ...more,
  })
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");

describe("capabilities", () => {
  test("of root: Docker's default set; of another user: none; of execs the same", async () => {
    expect(await inside(STATUS)).toBe(status(DEFAULT, DEFAULT));
    expect(await inside(STATUS, "--user", "1000")).toBe(status(NOTHING, DEFAULT));
    await kept([], async (id) => {
      expect(await berth.ok("exec", id, "sh", "-c", STATUS)).toBe(status(DEFAULT, DEFAULT));
      expect(await berth.ok("exec", "-u", "nobody", id, "sh", "-c", STATUS)).toBe(status(NOTHING, DEFAULT));
    });
  });

  test("all dropped, one added, no new privileges", async () => {
    expect(await inside(STATUS, "--cap-drop", "ALL")).toBe(status(NOTHING, NOTHING));
    const admin = "0000000000001000";
    expect(await inside(STATUS, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN")).toBe(status(admin, admin));
    await kept(["--security-opt", "no-new-privileges"], async (id) => {
      const expected = status(DEFAULT, DEFAULT, { NoNewPrivs: "1" });
      expect(await berth.ok("exec", id, "sh", "-c", STATUS)).toBe(expected);
      expect(await inside(STATUS, "--security-opt", "no-new-privileges")).toBe(expected);
    });
  });

  test("privileged: all of the host's, without a filter, in the container as in an exec", async () => {
    const all = /^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    const expected = status(all, all, { Seccomp: "0" });
    expect(await inside(STATUS, "--privileged")).toBe(expected);
    await kept([], async (id) => {
      expect(await berth.ok("exec", "--privileged", id, "sh", "-c", STATUS)).toBe(
        status(all, all, { Seccomp: "2" }),
      );
    });
  });
});

describe.skipIf(process.arch !== "x64")("system calls", () => {
  const HEX = 'hexdump -v -e \'8/1 "%02x" "\\n"\'';
  const named = (result: number) =>
    result >= 0
      ? "done"
      : (Object.entries(constants.errno).find(([, number]) => number === -result)?.[0] ?? `E${-result}`);
  /** Some virtual machines' kernels end a program at its first 32-bit call, whoever it is. */
  const trials = has32BitCalls() ? TRIALS : TRIALS.filter(({ compat }) => !compat);
  const mounted = () => {
    const path = join(daemon.folder, "probe");
    writeFileSync(path, callProbe(trials), { mode: 0o755 });
    return ["-v", `${path}:/probe:ro`];
  };
  const results = (text: string) => {
    const given = readProbe(text);
    expect(given.length).toBe(trials.length);
    return trials.map(({ what, expected }, i) => ({ what, expected, got: named(given[i] ?? 0) }));
  };

  test("those beyond the default profile are refused, in the container and in an exec", async () => {
    const probe = mounted();
    const without = results(
      await inside(`/probe | ${HEX}`, ...probe, "--security-opt", "seccomp=unconfined"),
    );
    const inExec = await kept(probe, (id) => berth.ok("exec", id, "sh", "-c", `/probe | ${HEX}`));
    for (const text of [await inside(`/probe | ${HEX}`, ...probe), inExec])
      results(text).forEach(({ what, expected, got }, at) => {
        if (expected === "let through")
          expect({ what, got }).not.toEqual({ what, got: expect.stringMatching(/^(EPERM|ENOSYS)$/) });
        else if (expected === "as unconfined")
          expect({ what, got }).toEqual({ what, got: without[at]?.got ?? "nothing" });
        else expect({ what, got }).toEqual({ what, got: expected });
      });
  });

  test("it is the filter that does so: without it the kernel says something else to most", async () => {
    const all = results(
      await inside(`/probe | ${HEX}`, ...mounted(), "--security-opt", "seccomp=unconfined"),
    );
    const other = all.filter(
      ({ expected, got }) => (expected === "EPERM" || expected === "ENOSYS") && got !== expected,
    );
    expect(other.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        "mount",
        "keyctl",
        "bpf",
        "perf_event_open",
        "unshare",
        "setns",
        "clone3",
        "userfaultfd",
      ]),
    );
    expect(other.length).toBeGreaterThan(35);
  });
});

describe("/proc and /sys", () => {
  test("what tells of the host is empty", async () => {
    const paths = maskedPaths([]).filter(existsSync);
    expect(paths).toContain("/proc/timer_list");
    const line = paths.map(
      (path) => `echo "${path} $(cat ${path} 2>/dev/null) $(ls -A ${path} | grep -v ^/)"`,
    );
    expect((await inside(line.join(";"))).split("\n").map((each) => each.trimEnd())).toEqual(paths);
    // As a person asks for it, they are there.
    expect(await inside("wc -c < /proc/timer_list", "--security-opt", "systempaths=unconfined")).not.toBe(
      "0",
    );
  });

  test("what changes the host can't be written", async () => {
    const files = [
      "/proc/sys/kernel/core_pattern",
      "/proc/sys/kernel/hostname",
      "/proc/sysrq-trigger",
      "/proc/irq/default_smp_affinity",
      "/sys/kernel/mm/transparent_hugepage/enabled",
      "/sys/power/state",
    ].filter(existsSync);
    expect(files).toContain("/proc/sys/kernel/core_pattern");
    const line = files.map((path) => `(echo > ${path}) 2>&1 | sed 's/.*: //'`).join(";");
    expect((await inside(line)).split("\n")).toEqual(files.map(() => "Read-only file system"));
    for (const path of readonlyPaths.filter(existsSync))
      expect(await inside(`grep -E ' ${path} ro,' /proc/self/mountinfo | wc -l`)).toBe("1");
    const groups = await inside(
      "for group in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $group/made 2>&1; done; :",
    );
    expect(groups).toMatch(/Read-only file system/);
  });
});

describe("devices", () => {
  test("only the usual ones are there, and no other can be made and opened", async () => {
    expect((await inside("ls /dev")).split("\n").filter((name) => name !== "core")).toEqual([
      ..."fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split(" "),
    ]);
    // The first disk, /dev/mem, /dev/kmsg, /dev/fuse, /dev/net/tun, /dev/loop0 (Documentation/admin-guide/devices.txt).
    const others = ["b 8 0", "b 254 0", "c 1 1", "c 1 11", "c 10 229", "c 10 200", "b 7 0"];
    const open = (device: string) =>
      `rm -f /tmp/d; mknod /tmp/d ${device} && for how in '<' '>'; do (eval ": $how /tmp/d") 2>&1 | sed 's/.*: //'; done`;
    const denied = "Operation not permitted";
    const line = others.map(open).join(";");
    expect((await inside(line)).split("\n")).toEqual(others.flatMap(() => [denied, denied]));
    await kept([], async (id) => {
      expect((await berth.ok("exec", id, "sh", "-c", line)).split("\n")).toEqual(
        others.flatMap(() => [denied, denied]),
      );
    });
  });
});

describe("descriptors", () => {
  const LIST = "ls /proc/$$/fd; :";

  test("a program has its three streams alone", async () => {
    // The shell keeps a terminal as 10.
    const descriptors = (text: string) => text.split(/\s+/).filter((fd) => fd !== "" && fd !== "10");
    for (const options of [[], ["-i"]])
      expect(descriptors(await inside(LIST, ...options))).toEqual(["0", "1", "2"]);
    await kept([], async (id) => {
      expect(descriptors(await berth.ok("exec", id, "ls", "/proc/1/fd"))).toEqual(["0", "1", "2"]);
      for (const options of [[], ["-i"], ["--privileged"]])
        expect(descriptors(await berth.ok("exec", ...options, id, "sh", "-c", LIST))).toEqual([
          "0",
          "1",
          "2",
        ]);
    });
    await using terminal = berth.terminal(...plain, "-it", T, "sh", "-c", `${LIST}; echo over`);
    const shown = await terminal.until(/over/);
    expect(descriptors(shown.slice(0, shown.indexOf("over")))).toEqual(["0", "1", "2"]);
  });

  test("the host's /dev/null can't be changed through them", async () => {
    const host = statSync("/dev/null").dev;
    // With the mode that it has, so that no harm is done where it works.
    const line = `for fd in 0 1 2; do
      [ "$(stat -L -c %t /proc/self/fd/$fd)" = 1 ] && [ $(stat -L -c %d /proc/self/fd/$fd) = ${host} ] &&
        chmod 0666 /proc/self/fd/$fd 2>/dev/null && echo changed by $fd; done >> /tmp/answer; echo seen >> /tmp/answer`;
    await kept([], async (id) => {
      for (const options of [[], ["-d"], ["-i"]]) await berth.ok("exec", ...options, id, "sh", "-c", line);
      await waitFor(
        async () => /(seen\s*){3}/.test(await berth.ok("exec", id, "cat", "/tmp/answer")),
        "all three",
      );
      expect(await berth.ok("exec", id, "cat", "/tmp/answer")).toBe("seen\nseen\nseen");
    });
    expect(await inside(`${line}; cat /tmp/answer`)).toBe("seen");
  });
});

describe("the daemon and its shims, seen from a container", () => {
  test("their environment stays theirs", async () => {
    expect(await inside("env; tr '\\0' '\\n' < /proc/1/environ")).not.toContain(SECRET);
    await kept(["--pid", "host"], async (id) => {
      expect(await berth.ok("exec", id, "env")).not.toContain(SECRET);
      const shim = readFileSync(join(daemon.execRoot, "containers", id, "shim.pid"), "utf8");
      expect(readFileSync(`/proc/${shim}/environ`, "utf8")).not.toContain(SECRET);
      // And with the host's process ids, root inside gets into none of them.
      for (const pid of [shim, String(daemon.pid)])
        for (const what of ["environ", "mem", "root/", "cwd/", "fd/", "map_files/"])
          expect(
            await berth.ok(
              "exec",
              id,
              "sh",
              "-c",
              `ls /proc/${pid}/${what} >/dev/null 2>&1 && head -c1 /proc/${pid}/${what} 2>/dev/null | wc -c || echo no`,
            ),
          ).toMatch(/^(no|0)$/);
    });
  });

  test("no socket of theirs can be reached with the host's network", async () => {
    const text = await inside(
      "cat /proc/net/unix; cat /proc/net/tcp /proc/net/tcp6 | wc -l",
      "--network",
      "host",
    );
    expect(text).toContain("shim.sock"); // by a path, which leads nowhere in there
    expect(text.split("\n").filter((line) => /@.*(berth|shim|containerd)/.test(line))).toEqual([]);
    expect(
      await inside(
        `ls ${daemon.execRoot} ${daemon.socket} 2>&1 | grep -vc 'No such file'; :`,
        "--network",
        "host",
      ),
    ).toBe("0");
  });
});

describe("another user of the host", () => {
  const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
  const asNobody = (...command: string[]) => {
    const { stdout, exitCode } = Bun.spawnSync([...NOBODY, ...command], { stderr: "ignore" });
    return { text: stdout.toString().trim(), exitCode };
  };

  test("sees and reaches nothing of the data root, the execution root and the socket", async () => {
    chmodSync(daemon.folder, 0o755);
    await kept(["-v", "secret:/v", "--log-driver", "json-file"], async (id) => {
      await berth.ok("exec", id, "sh", "-c", "echo secret > /v/file; echo secret > /file");
      const roots = [daemon.dataRoot, daemon.execRoot];
      expect(asNobody("find", ...roots, "-mindepth", "1").text).toBe("");
      const known = [
        join(daemon.dataRoot, "berth.db"),
        join(daemon.dataRoot, "containers", id, `${id}-json.log`),
        join(daemon.dataRoot, "containers", id, "hosts"),
        join(daemon.dataRoot, "volumes/secret/_data/file"),
        join(daemon.execRoot, "containers", id, "shim.json"),
        join(daemon.execRoot, "containers", id, "config.json"),
        join(daemon.execRoot, "containers", id, "shim.sock"),
        join(daemon.execRoot, "rootfs", id, "file"),
      ];
      for (const path of known) {
        expect({ path, there: existsSync(path) }).toEqual({ path, there: true });
        expect({ path, reached: asNobody("test", "-e", path).exitCode }).toEqual({ path, reached: 1 });
      }
      expect(statSync(daemon.socket).mode & 0o007).toBe(0);
      expect(statSync(join(daemon.execRoot, "containers", id, "shim.sock")).mode & 0o777).toBe(0o600);
      expect(statSync(join(daemon.dataRoot, "containers", id, `${id}-json.log`)).mode & 0o777).toBe(0o640);
    });
    await berth.ok("volume", "rm", "secret");
  });
});

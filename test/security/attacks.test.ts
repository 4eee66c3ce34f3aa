// Somebody inside a container, or who makes its image, wants out: known ways of other engines, and those that the parts
// of this one which look into a container's files could open.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { importBusybox, BUSYBOX as T } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let berth: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
  berth = clientOf("berth", berthBinary(daemon.folder), daemon.host, join(daemon.folder, "client"));
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const plain = ["run", "--rm", "--network", "none"];

async function kept<R>(work: (id: string) => Promise<R>, ...options: string[]): Promise<R> {
  const id = await berth.ok("run", "-d", "--network", "none", ...options, T, "sleep", "60");
  try {
    return await work(id);
  } finally {
    await berth.ok("rm", "-f", id);
  }
}

const FLAG = "flag of the host";

/** A file that only the host has. */
const onHost = (name: string) => join(daemon.folder, name);

describe("a working folder that is a descriptor of the runtime's (CVE-2024-21626)", () => {
  const up = "../../../../../../../..";
  test("in a container and in an exec: refused, or inside", async () => {
    await Bun.write(onHost("flag"), FLAG);
    const look = `cat ${up}${onHost("flag")} ./${up}/proc/1/root${onHost("flag")} 2>/dev/null; :`;
    await kept(async (id) => {
      const tries = [3, 4, 5, 6, 7, 8, 9, 10].flatMap((fd) => [
        berth.run(...plain, "-w", `/proc/self/fd/${fd}`, T, "sh", "-c", look),
        berth.run("exec", "-w", `/proc/self/fd/${fd}`, id, "sh", "-c", look),
        berth.run("exec", "-w", `/proc/1/fd/${fd}`, id, "sh", "-c", look),
      ]);
      for (const { stdout, code } of await Promise.all(tries)) {
        expect(stdout).not.toContain(FLAG);
        expect(code).not.toBe(0);
      }
    });
  });
});

describe("links in a volume", () => {
  test("a subpath through them stays in the volume or is refused", async () => {
    await berth.ok("volume", "create", "links");
    const make =
      "mkdir -p /v/real; ln -s / /v/abs; ln -s ../../../../../../../.. /v/up; ln -s real /v/fine; touch /v/real/in";
    await berth.ok(...plain, "-v", "links:/v", T, "sh", "-c", make);
    const mount = (subpath: string) =>
      berth.run(
        ...plain,
        "--mount",
        `type=volume,src=links,dst=/x,volume-subpath=${subpath}`,
        T,
        "ls",
        "-A",
        "/x",
      );
    for (const subpath of ["abs", "abs/etc", "up", "up/etc", "../links", "real/../..", "/etc"]) {
      const { code, stderr } = await mount(subpath);
      expect({ subpath, code, stderr }).toEqual({
        subpath,
        code: 125,
        stderr: expect.stringMatching(/escapes the base directory|must be a relative path within the volume/),
      });
    }
    for (const subpath of ["real", "fine"]) expect((await mount(subpath)).stdout).toBe("in\n");
    await berth.ok("volume", "rm", "links");
  });
});

describe("an image of a stranger's", () => {
  /** The busybox image with changes made by a shell line, under a name. */
  async function image(name: string, line: string, changes: string[] = []): Promise<string> {
    const id = await berth.ok("create", T, "sh", "-c", line);
    await berth.ok("start", "-a", id);
    await berth.ok("commit", ...changes.flatMap((change) => ["-c", change]), id, name);
    await berth.ok("rm", id);
    return name;
  }

  test("a working folder through links is made inside", async () => {
    const name = await image(
      "linked",
      `ln -s ${daemon.folder} /out; ln -s ../../../../../../../..${daemon.folder} /up`,
    );
    for (const folder of ["/out/made", "/up/made"]) {
      expect(await berth.ok(...plain, "-w", folder, name, "pwd")).toBe(`${daemon.folder}/made`);
      expect(existsSync(onHost("made"))).toBe(false);
    }
  });

  test("a mount on a path through links is made inside; on /proc it is refused", async () => {
    const name = await image(
      "targets",
      `ln -s ${daemon.folder} /out; ln -s /proc /p; ln -s ../../../../../../../../etc /up`,
    );
    // Some runtimes refuse a link to nowhere, some make what is missing.
    await berth.run(...plain, "-v", "anything:/out/place", name, "true");
    expect(existsSync(onHost("place"))).toBe(false);
    await berth.ok(...plain, "-v", "anything:/up/berth-made", name, "true");
    expect(existsSync("/etc/berth-made")).toBe(false);
    for (const place of ["/proc/self", "/proc", "/p", "/proc/self/attr"]) {
      const { code } = await berth.run(...plain, "-v", `anything:${place}`, name, "true");
      expect({ place, refused: code !== 0 }).toEqual({ place, refused: true });
    }
    await berth.ok("volume", "rm", "anything");
  });

  test("account files that are pipes, links to the host's, or endless", async () => {
    const user = async (line: string) => {
      const { code, stderr } = await berth.run(
        ...plain,
        "-u",
        "somebody",
        await image("accounts", line),
        "true",
      );
      return { code, text: stderr.split("\n")[0] };
    };
    const none = { code: 125, text: expect.stringContaining("unable to find user somebody") };
    const link = `ln -sf ../../../../../../../..${onHost("passwd")}`;
    await Bun.write(onHost("passwd"), "somebody:x:7:7::/:/bin/sh\n");
    expect(await user("rm /etc/passwd; mkfifo /etc/passwd")).toEqual(none);
    expect(await user(`${link} /etc/passwd`)).toEqual(none);
    expect(await user("rm /etc/passwd; ln -s /proc/self/environ /etc/passwd")).toEqual(none);
    expect(await user("rm /etc/passwd; mknod /etc/passwd c 1 5")).toEqual(none);
    expect(await user("rm /etc/passwd; ln -s passwd /etc/passwd")).toEqual(none);
    await kept(async (id) => {
      await berth.ok("exec", id, "truncate", "-s", "3G", "/etc/group");
      const { stderr, code } = await berth.run("exec", "-u", "nobody:somebody", id, "true");
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining("/etc/group of the container is larger"),
      });
    });
    const resident = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]);
    expect(resident).toBeLessThan(600_000);
  });

  test("a volume's first content with pipes, devices and links is copied as it is, and nothing is followed", async () => {
    const line = `mkdir /v; cd /v; mkfifo pipe; mknod null c 1 3; ln -s ${daemon.folder} out; echo x > file; chmod 4755 file`;
    const name = await image("content", line, ["VOLUME /v"]);
    expect(
      await berth.ok(
        ...plain,
        "-v",
        "first:/v",
        name,
        "sh",
        "-c",
        "cd /v; ls -l | tail -n +2 | cut -c1-10; readlink out",
      ),
    ).toBe(`-rwsr-xr-x\ncrw-r--r--\nlrwxrwxrwx\nprw-r--r--\n${daemon.folder}`);
    await berth.ok("volume", "rm", "first");
  });

  test("control characters in names and settings are refused or harmless", async () => {
    for (const name of ["a\nb", "a\u001b[2J", "a\0b", "../x", "a/../../b", "é".repeat(3)]) {
      const { status } = await daemon.request("POST", `/containers/create?name=${encodeURIComponent(name)}`, {
        body: { Image: T },
      });
      expect({ name, status }).toEqual({ name, status: 400 });
      const volume = await daemon.request("POST", "/volumes/create", { body: { Name: name } });
      expect({ name, status: volume.status }).toEqual({ name, status: 400 });
    }
    const log = daemon.logs();
    expect(log).not.toContain("\u001b");
    expect(log.split("\n").filter((line) => line !== "" && !line.startsWith("time="))).toEqual([]);
  });
});

describe("the ways to the host that a container has running", () => {
  test("the runtime's program can't be written from inside (CVE-2019-5736)", async () => {
    // /proc/self/exe of what the runtime becomes: here the image's own busybox, started through a descriptor.
    await kept(async (id) => {
      const line = "ln -sf /proc/self/exe /bin/again; :";
      await berth.ok("exec", id, "sh", "-c", line);
      const before = Bun.spawnSync(["sha256sum", "/usr/bin/crun", "/usr/sbin/runc"]).stdout.toString();
      await berth.run("exec", id, "/bin/again", "--help");
      const write = "for pid in /proc/[0-9]*; do (: >> $pid/exe) 2>/dev/null; done; :";
      await Promise.all(
        Array.from({ length: 6 }, () => berth.run("exec", id, "sh", "-c", write)).concat(
          Array.from({ length: 6 }, () => berth.run("exec", id, "true")),
        ),
      );
      expect(Bun.spawnSync(["sha256sum", "/usr/bin/crun", "/usr/sbin/runc"]).stdout.toString()).toBe(before);
    });
  });

  test("a root that swaps its folders for links while execs come and go", async () => {
    await Bun.write(onHost("flag"), FLAG);
    await kept(async (id) => {
      const swap =
        "cd /; mkdir -p w real; while :; do rm -rf w; ln -s ../../../../../../../.. w; rm w; mkdir w; done";
      await berth.ok("exec", "-d", id, "sh", "-c", swap);
      for (let round = 0; round < 10; round++) {
        const { stdout } = await berth.run(
          "exec",
          "-w",
          "/w",
          id,
          "sh",
          "-c",
          `cat ./${onHost("flag")} 2>/dev/null`,
        );
        expect(stdout).not.toContain(FLAG);
      }
    });
  });
});

import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { EPOLL, Epoll } from "./epoll.ts";
import { close, libc, readInto, T, writeFrom } from "./ffi.ts";
import { makePipe } from "./pipe.ts";
import { holdPort } from "./port.ts";
import { killProcess, openPidfd, reapChild, spawnProcess, type WaitStatus } from "./process.ts";
import { inetAddress, listenUnix, openFolder } from "./socket.ts";

/** dup(2): without close-on-exec. */
const { dup } = libc({ dup: { args: [T.i32], returns: T.i32 } });

/** Waits in epoll for a child's pidfd, as the shim does. */
function waitFor(pid: number): WaitStatus | undefined {
  const pidfd = openPidfd(pid);
  using epoll = new Epoll();
  try {
    epoll.add(pidfd, EPOLL.IN);
    expect(epoll.wait(10_000)).toBe(1);
    expect(epoll.eventFd(0)).toBe(pidfd);
    return reapChild(pid);
  } finally {
    close(pidfd);
  }
}

const shell = (
  script: string,
  stdio: Parameters<typeof spawnProcess>[0]["stdio"] = ["null", "null", "null"],
) => spawnProcess({ path: "/bin/sh", args: ["-c", script], env: ["A=1 2", "B=é"], stdio });

describe("processes without an event loop", () => {
  test("status and signal are exact", () => {
    const pid = shell("exit 7");
    expect(waitFor(pid)).toEqual({ pid, code: 7 });
    const sleeping = shell("exec sleep 100");
    expect(reapChild(sleeping)).toBeUndefined();
    killProcess(sleeping, 9);
    expect(waitFor(sleeping)).toEqual({ pid: sleeping, code: 137, signal: 9 });
  });

  test("arguments, environment and descriptors arrive; no other descriptor does", () => {
    const pipe = makePipe();
    const inheritable = dup(0);
    const pid = shell('echo "$A|$B"; ls /proc/self/fd | tr "\\n" " "', ["null", pipe.write, pipe.write]);
    close(pipe.write);
    close(inheritable);
    const status = waitFor(pid);
    const buffer = new Uint8Array(4096);
    const text = Buffer.from(buffer.subarray(0, readInto(pipe.read, buffer))).toString();
    close(pipe.read);
    expect(status?.code).toBe(0);
    // 3 is what ls itself has opened.
    expect(text).toBe("1 2|é\n0 1 2 3 ");
  });

  test("signals that this process ignores are at their default in a child", () => {
    const pid = shell("kill -PIPE $$; exit 0");
    expect(waitFor(pid)).toMatchObject({ signal: 13 });
  });

  test("a program that isn't there is an error, not a child", () => {
    expect(() =>
      spawnProcess({ path: "/no/such", args: [], env: [], stdio: ["null", "null", "null"] }),
    ).toThrow("posix_spawn /no/such: no such file or directory");
  });
});

describe("epoll", () => {
  test("tells which descriptor, and nothing after it was removed", () => {
    using epoll = new Epoll();
    const pipe = makePipe();
    epoll.add(pipe.read, EPOLL.IN);
    expect(epoll.wait(0)).toBe(0);
    writeFrom(pipe.write, Buffer.from("x"));
    expect(epoll.wait(1000)).toBe(1);
    expect([epoll.eventFd(0), epoll.eventBits(0)]).toEqual([pipe.read, EPOLL.IN]);
    epoll.modify(pipe.read, 0);
    expect(epoll.wait(0)).toBe(0);
    close(pipe.write);
    expect(epoll.wait(1000)).toBe(1);
    expect(epoll.eventBits(0)).toBe(EPOLL.HUP);
    epoll.remove(pipe.read);
    expect(epoll.wait(0)).toBe(0);
    close(pipe.read);
  });
});

describe("sockets", () => {
  test.each([
    ["127.0.0.1", 80, [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["0.0.0.0", 65535, [2, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["::", 1, [10, 0, 0, 1, ...new Array(24).fill(0)]],
    ["::1", 1, [10, 0, 0, 1, 0, 0, 0, 0, ...new Array(15).fill(0), 1, 0, 0, 0, 0]],
    [
      "fe80::1:2",
      1,
      [10, 0, 0, 1, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0],
    ],
    [
      "::ffff:10.1.2.3",
      1,
      [10, 0, 0, 1, 0, 0, 0, 0, ...new Array(10).fill(0), 255, 255, 10, 1, 2, 3, 0, 0, 0, 0],
    ],
    [
      "1:2:3:4:5:6:7:8",
      1,
      [10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 0, 0, 0],
    ],
  ])("address of %s:%d", (host, port, expected) => {
    expect([...inetAddress(host as string, port as number)]).toEqual(expected as number[]);
  });

  test("a port that can't be held is named", () => {
    expect(() => holdPort("tcp", "203.0.113.1", 80)).toThrow(
      "bind 203.0.113.1:80/tcp: cannot assign requested address",
    );
  });

  test("a socket in a folder of any depth", () => {
    const name = "n".repeat(60);
    const deep = `/tmp/berth-test-${crypto.randomUUID()}/${name}/${name}`;
    mkdirSync(deep, { recursive: true });
    try {
      const folder = openFolder(deep);
      const fd = listenUnix(folder, "s");
      expect(statSync(`${deep}/s`).isSocket()).toBe(true);
      close(fd);
      close(folder);
    } finally {
      rmSync(deep.split("/").slice(0, 3).join("/"), { recursive: true });
    }
  });
});

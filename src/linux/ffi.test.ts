import { describe, expect, test } from "bun:test";
import { errnoCode, errnoText, failedWith, KernelError } from "./errors.ts";
import { close, cString, errno, fromCString, O, open, readInto, SYS, syscall, writeFrom } from "./ffi.ts";

describe("libc by FFI", () => {
  test("a failed call is an error that says what was tried on what", () => {
    const tried = () => open("/nowhere/at all", O.RDONLY);
    expect(tried).toThrow("open /nowhere/at all: no such file or directory");
    try {
      tried();
    } catch (error) {
      expect(error).toBeInstanceOf(KernelError);
      expect(failedWith(error, "EPERM", "ENOENT")).toBe(true);
      expect(failedWith(error, "EPERM")).toBe(false);
    }
  });

  test("errno is the last call's", () => {
    expect(readInto(-1, new Uint8Array(1))).toBe(-1);
    expect(errnoCode(errno())).toBe("EBADF");
    expect(syscall(SYS.pidfd_open, process.pid, 0xffff)).toBe(-1);
    expect(errnoCode(errno())).toBe("EINVAL");
  });

  test("a part of a buffer is read into and written from, and nothing else of it", () => {
    const buffer = new Uint8Array(8).fill(7);
    const zero = open("/dev/zero", O.RDWR);
    try {
      expect(readInto(zero, buffer.subarray(2, 5))).toBe(3);
      expect([...buffer]).toEqual([7, 7, 0, 0, 0, 7, 7, 7]);
      expect(writeFrom(zero, buffer.subarray(1))).toBe(7);
    } finally {
      close(zero);
    }
  });

  test("C strings end at NUL, and text with a NUL never reaches the kernel", () => {
    expect([...cString("ab")]).toEqual([97, 98, 0]);
    expect(fromCString(new Uint8Array([120, 97, 98, 0, 99]), 1)).toBe("ab");
    expect(() => cString("a\0b")).toThrow("invalid argument");
  });

  test("texts are Go's", () => {
    expect(errnoText(2)).toBe("no such file or directory");
    expect(errnoText(9999)).toBe("errno 9999");
  });
});

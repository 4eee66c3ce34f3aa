// Execs in a running container: many at a time, with their own input, end and errors.
import { describe, expect, test } from "bun:test";
import type { Shim } from "../../src/runtime/types.ts";
import { bundle, collect, execSpec } from "./fixture.ts";

const SIGKILL = 9;

async function withContainer(work: (shim: Shim) => Promise<void>): Promise<void> {
  await using made = await bundle({ args: ["/bin/sleep", "1000"] });
  await using shim = await made.start();
  await shim.start();
  await work(shim);
  await shim.kill(SIGKILL);
  await shim.wait();
  await shim.remove();
}

async function run(shim: Shim, id: string, args: string[], input?: string) {
  await using stream = await shim.attach({
    exec: id,
    stdin: input !== undefined,
    stdout: true,
    stderr: true,
  });
  await shim.exec(id, execSpec(args), { stdin: input !== undefined });
  if (input !== undefined) {
    await stream.write(Buffer.from(input));
    stream.closeStdin();
  }
  const output = await collect(stream.output);
  return { ...output, code: (await shim.wait(id)).code };
}

describe("exec", () => {
  test(
    "a hundred, ten at a time, each with its own output and status",
    () =>
      withContainer(async (shim) => {
        const ids = Array.from({ length: 100 }, (_, i) => i);
        const results: Awaited<ReturnType<typeof run>>[] = [];
        const worker = async () => {
          for (let i = ids.pop(); i !== undefined; i = ids.pop())
            results[i] = await run(shim, `e${i}`, [
              "sh",
              "-c",
              `echo out ${i}; echo err ${i} >&2; exit ${i}`,
            ]);
        };
        await Promise.all(Array.from({ length: 10 }, worker));
        expect(results).toEqual(
          Array.from({ length: 100 }, (_, i) => ({ stdout: `out ${i}\n`, stderr: `err ${i}\n`, code: i })),
        );
        expect((await shim.state()).phase).toBe("running");
      }),
    60_000,
  );

  test("half-closed input ends its program, which still answers", () =>
    withContainer(async (shim) => {
      const sent = "x".repeat(300_000);
      const { stdout, code } = await run(shim, "e", ["sh", "-c", "cat; echo done"], sent);
      expect(stdout).toBe(`${sent}done\n`);
      expect(code).toBe(0);
    }));

  test("signals, late waits, and names that are taken", () =>
    withContainer(async (shim) => {
      await shim.exec("e", execSpec(["sleep", "1000"]), { stdin: false });
      await expect(shim.exec("e", execSpec(["true"]), { stdin: false })).rejects.toThrow(
        "exec e was started before",
      );
      expect((await shim.state()).execs).toMatchObject([{ id: "e", running: true }]);
      await shim.kill(SIGKILL, { exec: "e" });
      expect(await shim.wait("e")).toMatchObject({ code: 137, signal: SIGKILL });
      expect(await shim.wait("e")).toMatchObject({ code: 137 });
      await expect(shim.kill(SIGKILL, { exec: "e" })).rejects.toThrow();
      await expect(shim.wait("never")).rejects.toThrow("no running exec never");
    }));

  test("its end is told though a child holds its output", () =>
    withContainer(async (shim) => {
      const began = performance.now();
      const { stdout, code } = await run(shim, "e", ["sh", "-c", "sleep 60 & echo now; exit 5"]);
      expect(stdout).toBe("now\n");
      expect(code).toBe(5);
      expect(performance.now() - began).toBeLessThan(10_000);
    }));

  test.each([
    [["nosuchprogram"], 'exec: "nosuchprogram": executable file not found in $PATH', 127],
    [["/bin"], 'exec: "/bin": is a directory: permission denied', 126],
    [["/no/such"], 'exec: "/no/such": stat /no/such: no such file or directory', 127],
  ])("refused: %j", (args, text, exitCode) =>
    withContainer(async (shim) => {
      const stream = await shim.attach({ exec: "e", stdin: false, stdout: true, stderr: true });
      await expect(shim.exec("e", execSpec(args), { stdin: false })).rejects.toMatchObject({
        message: `OCI runtime exec failed: exec failed: unable to start container process: ${text}`,
        exitCode,
      });
      expect(await collect(stream.output)).toEqual({ stdout: "", stderr: "" });
    }),
  );

  test("none in a container that ended; those in it end with it", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"] });
    await using shim = await made.start();
    await expect(shim.exec("e", execSpec(["true"]), { stdin: false })).rejects.toThrow(
      "the container is not running",
    );
    await shim.start();
    await shim.exec("e", execSpec(["sleep", "1000"]), { stdin: false });
    await shim.kill(SIGKILL);
    expect(await shim.wait("e")).toMatchObject({ code: 137 });
    await shim.wait();
    await expect(shim.exec("f", execSpec(["true"]), { stdin: false })).rejects.toThrow(
      "the container is not running",
    );
    await shim.remove();
  });
});

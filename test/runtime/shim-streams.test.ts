// A container's streams: terminal, input with back-pressure, many clients of which some don't read.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { bundle, collect, execSpec, privateMemory } from "./fixture.ts";

const SIGKILL = 9;

describe("attached clients", () => {
  test("all get the same output, each stream on its own", async () => {
    await using made = await bundle({ args: ["/bin/sh", "-c", "echo out; echo err >&2"] });
    await using shim = await made.start();
    const both = await shim.attach({ stdin: false, stdout: true, stderr: true });
    const again = await shim.attach({ stdin: false, stdout: true, stderr: true });
    const error = await shim.attach({ stdin: false, stdout: false, stderr: true });
    await shim.start();
    expect(await collect(both.output)).toEqual({ stdout: "out\n", stderr: "err\n" });
    expect(await collect(again.output)).toEqual({ stdout: "out\n", stderr: "err\n" });
    expect(await collect(error.output)).toEqual({ stdout: "", stderr: "err\n" });
    const late = await shim.attach({ stdin: false, stdout: true, stderr: true });
    expect(await collect(late.output)).toEqual({ stdout: "", stderr: "" });
    await shim.wait();
    await shim.remove();
  });

  test("one that doesn't read neither stops the log nor grows memory, and gets all in the end", async () => {
    const bytes = 64 << 20;
    const line = `${"0123456789".repeat(20)}\n`;
    await using made = await bundle({ args: ["/bin/sh", "-c", `yes ${line.trim()} | head -c ${bytes}`] });
    await using shim = await made.start();
    const stalled = await shim.attach({ stdin: false, stdout: true, stderr: true });
    const reading = await shim.attach({ stdin: false, stdout: true, stderr: true });
    await shim.start();
    const before = privateMemory(shim.pid);
    let read = 0;
    for await (const { data } of reading.output) read += data.length;
    expect(read).toBe(bytes);
    expect((await shim.wait()).code).toBe(0);
    expect(privateMemory(shim.pid) - before).toBeLessThan(8 << 10);
    // The log is complete while the one client still has read nothing.
    const entry = Buffer.byteLength(`{"log":"${line.trim()}\\n","stream":"stdout","time":""}\n`);
    const entries = (await Bun.$`grep -c ${'"log":"0123'} ${made.logPath}`.quiet().text()).trim();
    expect(Number(entries)).toBe(Math.ceil(bytes / line.length));
    expect(Bun.file(made.logPath).size).toBeGreaterThan(Number(entries) * entry);
    let caughtUp = 0;
    for await (const { data } of stalled.output) caughtUp += data.length;
    expect(caughtUp).toBe(bytes);
    await shim.remove();
  }, 120_000);

  test("one that goes away in the middle disturbs nobody", async () => {
    await using made = await bundle({ args: ["/bin/sh", "-c", "yes | head -c 4000000; echo end"] });
    await using shim = await made.start();
    const leaving = await shim.attach({ stdin: false, stdout: true, stderr: true });
    const staying = await shim.attach({ stdin: false, stdout: true, stderr: true });
    await shim.start();
    for await (const _ of leaving.output) break;
    const { stdout } = await collect(staying.output);
    expect(stdout).toHaveLength(4_000_004);
    expect(stdout.endsWith("end\n")).toBe(true);
    await shim.wait();
    await shim.remove();
  }, 60_000);
});

describe("input", () => {
  test("256 megabytes flow as fast as the container takes them, in flat memory", async () => {
    const bytes = 256 << 20;
    await using made = await bundle({ args: ["/bin/wc", "-c"], stdin: true, stdinOnce: true });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    const chunk = Buffer.alloc(1 << 20, "x");
    const before = privateMemory(shim.pid);
    for (let sent = 0; sent < bytes; sent += chunk.length) await stream.write(chunk);
    expect(privateMemory(shim.pid) - before).toBeLessThan(6 << 10);
    stream.closeStdin();
    expect((await collect(stream.output)).stdout.trim()).toBe(String(bytes));
    expect((await shim.wait()).code).toBe(0);
    await shim.remove();
  }, 120_000);

  test("a container that takes none holds the sender back, and still hears kill", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"], stdin: true });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    const chunk = Buffer.alloc(64 << 10);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 64 << 20; sent += chunk.length) await stream.write(chunk);
    })().catch(() => {});
    await Bun.sleep(300);
    // A pipe, two socket buffers and one chunk here: not more than a few hundred kilobytes are on the way.
    expect(sent).toBeLessThan(4 << 20);
    await shim.kill(SIGKILL);
    expect((await shim.wait()).code).toBe(137);
    await sending;
    await shim.remove();
  });

  test("stays open for the next client unless the container was made for one", async () => {
    await using made = await bundle({ args: ["/bin/cat"], stdin: true, stdinOnce: false });
    await using shim = await made.start();
    const first = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    await first.write(Buffer.from("one\n"));
    first.closeStdin();
    await first[Symbol.asyncDispose]();
    const second = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await second.write(Buffer.from("two\n"));
    const reader = second.output.getReader();
    let got = "";
    while (!got.includes("two\n")) got += Buffer.from((await reader.read()).value?.data ?? []).toString();
    expect((await shim.state()).phase).toBe("running");
    await shim.kill(SIGKILL);
    await shim.wait();
    await shim.remove();
  });

  test("written before the container runs reaches it", async () => {
    await using made = await bundle({ args: ["/bin/cat"], stdin: true, stdinOnce: true });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await stream.write(Buffer.from("early\n"));
    stream.closeStdin();
    await shim.start();
    expect((await collect(stream.output)).stdout).toBe("early\n");
    expect((await shim.wait()).code).toBe(0);
    await shim.remove();
  });
});

describe("a terminal", () => {
  test("has the first size it was given, then each next one", async () => {
    const script = "stty size; trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.1; done";
    await using made = await bundle({
      args: ["/bin/sh", "-c", script],
      terminal: true,
      stdin: true,
      consoleSize: [31, 117],
    });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    const reader = stream.output.getReader();
    let text = "";
    const until = async (part: string) => {
      while (!text.includes(part)) {
        const { value, done } = await reader.read();
        if (done) break;
        text += Buffer.from(value.data).toString();
      }
    };
    await until("ready");
    expect(text).toBe("31 117\r\nready\r\n");
    await shim.resize(40, 90);
    await until("40 90");
    expect(text.trim().split("\r\n").at(-1)).toBe("40 90");
    expect((await shim.wait()).code).toBe(4);
    await shim.remove();
  });

  test("takes typed input, echoes it, and its log has what was seen", async () => {
    await using made = await bundle({
      args: ["/bin/sh", "-c", "read x; echo got $x"],
      terminal: true,
      stdin: true,
    });
    await using shim = await made.start();
    const stream = await shim.attach({ stdin: true, stdout: true, stderr: true });
    await shim.start();
    await stream.write(Buffer.from("hello\n"));
    expect(await collect(stream.output)).toEqual({ stdout: "hello\r\ngot hello\r\n", stderr: "" });
    await shim.wait();
    expect(readFileSync(made.logPath, "utf8")).toContain('"log":"got hello\\r\\n","stream":"stdout"');
    await shim.remove();
  });

  test("of an exec is its own", async () => {
    await using made = await bundle({ args: ["/bin/sleep", "1000"] });
    await using shim = await made.start();
    await shim.start();
    const stream = await shim.attach({ exec: "e", stdin: true, stdout: true, stderr: true });
    const script = "stty size; read x; stty size";
    await shim.exec("e", execSpec(["sh", "-c", script], { terminal: true }), {
      stdin: true,
      consoleSize: [20, 30],
    });
    await shim.resize(25, 35, "e");
    await stream.write(Buffer.from("\n"));
    const { stdout } = await collect(stream.output);
    expect(
      stdout
        .split("\r\n")
        .filter((line) => line.includes(" "))
        .at(-1),
    ).toBe("25 35");
    await shim.kill(SIGKILL);
    await shim.wait();
    await shim.remove();
  });
});

// The part of the clients' suite about terminals: job control, detaching, several clients on one.
import { expect } from "bun:test";
import type { Tools } from "./tools.ts";

/** busybox's shell asks the terminal for its cursor's place behind the prompt, and clears the rest of the line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's escape sequence
const PROMPT = /# (?:\x1b\[\d*[a-zA-Z])*$/;

export function terminalCases({ client, image, name, check }: Tools): void {
  check("a terminal: job control, its size, Ctrl-C, Ctrl-D", async () => {
    await using session = client().terminal("run", "-it", "--rm", "--name", name(), image(), "sh");
    await session.until(PROMPT);
    session.type("stty size; tty; echo $TERM\n");
    const first = await session.until(/xterm\r\n/);
    expect(first).toContain("24 80");
    expect(first).toContain("/dev/pts/0");
    session.resize(100, 40);
    session.type("sleep 0.3; stty size\n");
    await session.until(/40 100/);
    session.type("sleep 3600\n");
    await session.until(/sleep 3600\r\n/);
    await Bun.sleep(200);
    session.type("\x03");
    await session.until(PROMPT);
    session.type("exit 5\n");
    expect(await session.exited).toBe(5);
  });

  check("detach with the keys, attach again, and the terminal goes on", async () => {
    const c = name();
    await using first = client().terminal("run", "-it", "--name", c, image(), "sh");
    await first.until(PROMPT);
    first.type("mark=kept\n");
    await first.until(PROMPT);
    first.type("\x10\x11");
    expect(await first.exited).toBe(0);
    expect(await client().ok("inspect", "-f", "{{.State.Running}}", c)).toBe("true");
    await using second = client().terminal("attach", c);
    second.type("\n");
    await second.until(PROMPT);
    second.type("echo $mark\n");
    await second.until(/kept\r\n/);
    second.type("exit\n");
    expect(await second.exited).toBe(0);
  });

  check("two clients on one terminal see the same, and one that leaves leaves the other alone", async () => {
    const c = name();
    await client().ok("run", "-dit", "--name", c, image(), "sh");
    await using first = client().terminal("attach", c);
    first.type("\n");
    await first.until(PROMPT);
    await using second = client().terminal("attach", c);
    second.type("\n");
    await second.until(PROMPT);
    first.type("echo $((40+2))\n");
    await first.until(/42\r\n/);
    await second.until(/42\r\n/);
    first.type("\x10\x11");
    await first.exited;
    second.type("echo $((50+5))\n");
    await second.until(/55\r\n/);
    await using watcher = client().start("attach", "--no-stdin", c);
    // A client that only watches has to be there before there is something to see.
    let seen = false;
    const look = watcher.until(/66\r?\n/).then(() => {
      seen = true;
    });
    for (let i = 0; i < 50 && !seen; i++) {
      second.type("echo $((60+6))\n");
      await Promise.race([look, Bun.sleep(100)]);
    }
    await look;
    second.type("exit\n");
    expect(await second.exited).toBe(0);
    expect(await watcher.exited).toBe(0);
  });

  check("exec -it and start -a -i", async () => {
    const c = name();
    await client().ok("run", "-dit", "--name", c, image(), "sh");
    await using shell = client().terminal("exec", "-it", c, "sh");
    await shell.until(PROMPT);
    shell.type("tty; exit 9\n");
    await shell.until(/\/dev\/pts\/1/);
    expect(await shell.exited).toBe(9);
    await client().ok("stop", "-t", "0", c);
    await using again = client().terminal("start", "-a", "-i", c);
    again.type("\n");
    await again.until(PROMPT);
    again.type("exit 4\n");
    expect(await again.exited).toBe(4);
  });
}

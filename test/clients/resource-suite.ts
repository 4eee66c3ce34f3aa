// The part of the clients' suite about what containers use and may use: stats, update.
import { expect } from "bun:test";
import type { Tools } from "./tools.ts";

export function resourceCases({ client, image, name, check }: Tools): void {
  check("stats --no-stream: of one that runs, one that doesn't, and none", async () => {
    const c = name();
    const stopped = name();
    const id = await client().ok("run", "-d", "--name", c, "-m", "64m", image(), "sleep", "1000");
    await client().ok("create", "--name", stopped, image());
    // Side by side, since each takes the second that it measures.
    const once = (...args: string[]) => client().run("stats", "--no-stream", ...args);
    const [table, template, json, all, missing] = await Promise.all([
      once(c, stopped),
      once("--no-trunc", "--format", "{{.Container}} {{.Name}} {{.ID}} {{.PIDs}}", c),
      once("--format", "json", c),
      once("-a", "--format", "{{.Name}}"),
      once(c, "nosuch"),
    ]);
    const [titles = "", first = "", second = ""] = table.stdout.split("\n");
    expect(titles.split(/ {2,}/)).toEqual([
      "CONTAINER ID",
      "NAME",
      "CPU %",
      "MEM USAGE / LIMIT",
      "MEM %",
      "NET I/O",
      "BLOCK I/O",
      "PIDS",
    ]);
    expect(first).toMatch(
      new RegExp(
        `^${id.slice(0, 12)} +${c} +\\d+\\.\\d\\d% +[\\d.]+[KM]iB / 64MiB +\\d+\\.\\d\\d% +[\\d.]+k?B / [\\d.]+k?B +[\\d.]+k?B / 0B +1$`,
      ),
    );
    expect(second).toMatch(new RegExp(` ${stopped} +0\\.00% +0B / 0B +0\\.00% +0B / 0B +0B / 0B +0$`));
    expect(template.stdout).toBe(`${c} ${c} ${id} 1\n`);
    expect(JSON.parse(json.stdout)).toMatchObject({ Name: c, PIDs: "1" });
    expect(all.stdout.split("\n")).toEqual(expect.arrayContaining([c, stopped]));
    expect(missing).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "Error response from daemon: No such container: nosuch\n",
    });
  });

  check("stats: a table written over itself, of containers that come and go", async () => {
    const [first, second] = [name(), name()];
    const sleeper = (c: string) => client().ok("run", "-d", "--name", c, image(), "sleep", "1000");
    await sleeper(first);
    await using live = client().terminal("stats", "--format", "{{.Name}} {{.PIDs}}");
    await live.until(new RegExp(String.raw`\x1b\[H[\s\S]*${first} 1[\s\S]*\x1b\[K[\s\S]*\x1b\[J`));
    await sleeper(second);
    await live.until(new RegExp(`${second} 1`));
    await client().ok("rm", "-f", first);
    const without = String.raw`(?:(?!${first}|\x1b\[H)[\s\S])*`;
    await live.until(new RegExp(String.raw`\x1b\[H${without}${second}${without}\x1b\[J`));
    live.type("\x03");
    expect(await live.exited).not.toBe(0);
  });

  check("update: limits at once, a policy, and what is refused", async () => {
    const c = name();
    await client().ok(
      "run",
      "-d",
      "--name",
      c,
      "-m",
      "64m",
      "--memory-swap",
      "128m",
      image(),
      "sleep",
      "1000",
    );
    expect(
      await client().ok(
        "update",
        "--memory",
        "100m",
        "--memory-swap",
        "200m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "30",
        "--restart",
        "unless-stopped",
        c,
      ),
    ).toBe(c);
    const { HostConfig } = JSON.parse(await client().ok("inspect", "-f", "{{json .}}", c));
    expect(HostConfig).toMatchObject({
      Memory: 100 << 20,
      MemorySwap: 200 << 20,
      NanoCpus: 500_000_000,
      PidsLimit: 30,
      RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
    });
    expect(await client().ok("stats", "--no-stream", "--format", "{{.MemUsage}}", c)).toContain(" / 100MiB");
    for (const [flags, words] of [
      [[], "you must provide one or more flags when using this command"],
      [["--memory", "1m"], "Minimum memory limit allowed is 6MB"],
      [
        ["--memory", "300m"],
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
      ],
      [
        ["--cpu-quota", "50000"],
        "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
      ],
      [["--restart", "bogus"], "invalid restart policy: unknown policy 'bogus'"],
    ] as const) {
      const refused = await client().run("update", ...flags, c);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(words);
    }
    expect(await client().run("update", "--pids-limit", "20", "nosuch", c)).toMatchObject({
      code: 1,
      stdout: `${c}\n`,
      stderr: "Error response from daemon: No such container: nosuch\n",
    });
  });
}

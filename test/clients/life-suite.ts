// The part of the clients' suite about health checks, restart policies, and signals.
import { expect } from "bun:test";
import type { Tools } from "./tools.ts";

/** Milliseconds. */
const PATIENCE = 15_000;

export function lifeCases({ client, image, name, check }: Tools): void {
  const inspect = (container: string, format: string) => client().ok("inspect", "-f", format, container);
  const status = (container: string) =>
    client().ok("ps", "-a", "--filter", `name=^/${container}$`, "--format", "{{.Status}}");

  async function until(read: () => Promise<string>, wanted: RegExp): Promise<string> {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const text = await read();
      if (wanted.test(text)) return text;
      if (Date.now() > end) throw new Error(`${JSON.stringify(text)} never came to match ${wanted}`);
      await Bun.sleep(50);
    }
  }

  check("health: starting, unhealthy, healthy, in inspect, ps and events; stopped", async () => {
    const c = name();
    await using events = client().start(
      "events",
      "--filter",
      `container=${c}`,
      "--filter",
      "event=health_status",
      "--format",
      "{{.Action}}",
    );
    await Bun.sleep(300); // it has to listen by then
    await client().ok(
      "run",
      "-d",
      "--name",
      c,
      "--health-cmd",
      "echo looked; test -e /good",
      "--health-interval",
      "500ms",
      "--health-retries",
      "2",
      image(),
      "sleep",
      "1000",
    );
    expect(await status(c)).toMatch(/^Up .* \(health: starting\)$/);
    expect(await inspect(c, "{{json .Config.Healthcheck}}")).toBe(
      '{"Test":["CMD-SHELL","echo looked; test -e /good"],"Interval":500000000,"Retries":2}',
    );
    await until(() => status(c), /\(unhealthy\)$/);
    expect(await inspect(c, "{{with index .State.Health.Log 0}}{{.ExitCode}} {{json .Output}}{{end}}")).toBe(
      '1 "looked\\n"',
    );
    await client().ok("exec", c, "touch", "/good");
    await until(() => status(c), /\(healthy\)$/);
    expect(await inspect(c, "{{.State.Health.Status}} {{.State.Health.FailingStreak}}")).toBe("healthy 0");
    expect(
      await client().ok("ps", "-q", "--no-trunc", "--filter", `name=^/${c}$`, "--filter", "health=healthy"),
    ).toBe(await inspect(c, "{{.Id}}"));
    await events.until(/health_status: unhealthy\n(.*\n)*health_status: healthy\n/);
    await client().ok("stop", "-t", "0", c);
    expect(await inspect(c, "{{.State.Health.Status}}")).toBe("unhealthy");
    expect(await status(c)).toMatch(/^Exited \(137\) [^(]*$/);
  });

  check("health: a check that takes too long, and none at all", async () => {
    const [slow, none] = [name(), name()];
    await client().ok(
      "run",
      "-d",
      "--name",
      slow,
      "--health-cmd=echo slow; exec sleep 1000",
      "--health-interval=200ms",
      "--health-timeout=400ms",
      "--health-retries=1",
      image(),
      "sleep",
      "1000",
    );
    await client().ok("run", "-d", "--name", none, "--no-healthcheck", image(), "sleep", "1000");
    expect(await inspect(none, "{{.Config.Healthcheck.Test}} {{json .State.Health}}")).toBe("[NONE] null");
    await until(() => status(slow), /\(unhealthy\)$/);
    const result = "{{with index .State.Health.Log 0}}{{.ExitCode}} {{json .Output}}{{end}}";
    expect(await inspect(slow, result)).toBe('-1 "Health check exceeded timeout (400ms): slow\\n"');
    await client().ok("rm", "-f", slow, none);
  });

  check("health: bad options", async () => {
    for (const [args, text] of [
      [["--health-interval=-1s"], "--health-interval cannot be negative"],
      [["--health-cmd=true", "--health-retries=-1"], "--health-retries cannot be negative"],
      [["--health-cmd=true", "--no-healthcheck"], "--no-healthcheck conflicts with --health-* options"],
      [["--health-cmd=true", "--health-timeout=10us"], "Timeout in Healthcheck cannot be less than 1ms"],
      [
        ["--health-cmd=true", "--health-start-period=10us"],
        "StartPeriod in Healthcheck cannot be less than 1ms",
      ],
    ] as const) {
      const result = await client().run("create", "--name", name(), ...args, image(), "true");
      expect(result.code).not.toBe(0);
      expect(result.stderr).toContain(text);
    }
  });

  check("restart policies: on-failure to its end, always until a stop", async () => {
    const [tries, loops] = [name(), name()];
    await client().ok(
      "run",
      "-d",
      "--name",
      tries,
      "--restart",
      "on-failure:2",
      image(),
      "sh",
      "-c",
      "exit 3",
    );
    await client().ok("run", "-d", "--name", loops, "--restart", "always", image(), "sh", "-c", "exit 4");
    await until(() => inspect(tries, "{{.State.Status}} {{.RestartCount}}"), /^exited 2$/);
    // By then it waits for more than a second, in which the commands below have their time.
    await until(() => inspect(loops, "{{.RestartCount}}"), /^[5-9]/);
    expect(await until(() => status(loops), /^Restarting/)).toMatch(/^Restarting \(4\) .* ago$/);
    const refused = await client().run("rm", loops);
    expect(refused.stderr).toContain("stop the container before removing or force remove");
    await client().ok("stop", loops);
    const count = await inspect(loops, "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}");
    expect(count).toMatch(/^exited 4 /);
    await Bun.sleep(1000);
    expect(await inspect(loops, "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}")).toBe(count);
  });

  check("restart policies: bad ones", async () => {
    for (const [policy, text] of [
      [
        "bogus",
        "invalid restart policy: unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
      ],
      ["always:3", "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
      ["on-failure:x", "invalid restart policy format: maximum retry count must be an integer"],
      [":3", "invalid restart policy format: no policy provided before colon"],
    ] as const) {
      const result = await client().run("create", "--name", name(), "--restart", policy, image(), "true");
      expect(result.code).not.toBe(0);
      expect(result.stderr).toContain(text);
    }
    const both = await client().run("run", "--rm", "--restart", "always", image(), "true");
    expect(both.code).toBe(125);
    expect(both.stderr).toContain("conflicting options: cannot specify both --restart and --rm");
  });

  check("stop and restart: the container's signal and time, and one that is paused", async () => {
    const c = name();
    const script = "trap 'exit 8' USR1; trap '' TERM; while :; do sleep 0.05; done";
    const flags = ["--stop-signal", "USR1", "--stop-timeout", "9"];
    await client().ok("run", "-d", "--name", c, ...flags, image(), "sh", "-c", script);
    await Bun.sleep(500); // the traps are set
    await client().ok("pause", c);
    await client().ok("stop", c);
    expect(await inspect(c, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 8");
    await client().ok("start", c);
    await Bun.sleep(500);
    expect(await client().ok("restart", "-s", "TERM", "-t", "1", c)).toBe(c);
    expect(await inspect(c, "{{.State.Status}}")).toBe("running");
    await client().ok("kill", c);
    expect(await client().ok("wait", c)).toBe("137");
    const result = await client().run("kill", "-s", "bogus", c);
    expect(result.stderr).toContain("invalid signal: bogus");
  });
}

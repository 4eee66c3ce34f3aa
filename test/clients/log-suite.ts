// The part of the clients' suite about logs: following, drivers, limits of time, tags and attributes.
import { expect } from "bun:test";
import type { Tools } from "./tools.ts";

export function logCases({ client, image, name, check }: Tools): void {
  check("logs -f follows until the end", async () => {
    const c = name();
    await client().ok(
      "run",
      "-d",
      "--name",
      c,
      image(),
      "sh",
      "-c",
      "for i in 1 2 3; do echo line $i; sleep 0.2; done",
    );
    await using follow = client().start("logs", "-f", c);
    await follow.until(/line 1\nline 2\nline 3\n/);
    expect(await follow.exited).toBe(0);
    expect(await client().ok("logs", "--tail", "1", c)).toBe("line 3");
    expect(await client().ok("logs", "-t", "--tail", "1", c)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 3$/);
  });

  for (const driver of ["json-file", "local"])
    check(`logs of the driver ${driver}: streams, the end, limits of time, long lines`, async () => {
      const c = name();
      const script = "echo one; echo two >&2; sleep 0.3; echo; printf three";
      await client().ok("run", "-d", "--name", c, "--log-driver", driver, image(), "sh", "-c", script);
      await client().ok("wait", c);
      expect(await client().run("logs", c)).toEqual({ code: 0, stdout: "one\n\nthree", stderr: "two\n" });
      expect((await client().run("logs", "-n", "2", c)).stdout).toBe("\nthree");
      expect((await client().run("logs", "--tail", "0", c)).stdout).toBe("");
      const stamped = await client().run("logs", "-t", c);
      const times = [...stamped.stdout.matchAll(/^(\S{30}) /gm)].map(([, time]) => time ?? "");
      expect(stamped.stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n/);
      // The second of them, and what came before it.
      expect((await client().run("logs", "--since", times[1] ?? "", c)).stdout).toBe("\nthree");
      expect((await client().run("logs", "--until", times[0] ?? "", c)).stdout).toBe("one\n");
      expect((await client().run("logs", "--since", "1h", "--until", "-1h", c)).stdout).toBe("one\n\nthree");
      expect((await client().run("logs", "--since", "2030-01-01", c)).stdout).toBe("");
      expect((await client().run("logs", "--until", "2020-01-01T00:00:00Z", c)).stdout).toBe("");
      for (const wrong of ["--since", "--until"])
        expect((await client().run("logs", wrong, "yesterday", c)).stderr).toContain(
          `invalid value for "${wrong.slice(2)}": failed to parse value as time or duration: "yesterday"`,
        );
      const long = name();
      const write = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end";
      await client().ok("run", "--name", long, "--log-driver", driver, image(), "sh", "-c", write);
      expect((await client().run("logs", long)).stdout).toBe(`${"x".repeat(100_000)}\nend\n`);
    });

  check(
    "logs -f ends with the container, also when it is restarted, removed, or the time is over",
    async () => {
      const script = "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done";
      const start = async () => {
        const c = name();
        await client().ok("run", "-d", "--name", c, "--log-driver", "local", image(), "sh", "-c", script);
        return c;
      };
      const stopped = await start();
      await using first = client().start("logs", "-f", stopped);
      await first.until(/line 2\n/);
      await client().ok("restart", "-t", "0", stopped);
      expect(await first.exited).toBe(0);
      await using second = client().start("logs", "-f", "--tail", "0", stopped);
      await second.until(/line \d+\n/);
      await client().ok("rm", "-f", stopped);
      expect(await second.exited).toBe(0);
      const timed = await start();
      await using third = client().start("logs", "-f", "--until", "-1s", timed);
      expect(await third.exited).toBe(0);
      await client().ok("rm", "-f", timed);
    },
  );

  check("log options and drivers that can't be are refused, and what can't be read", async () => {
    const refused = async (text: string, ...args: string[]) => {
      const c = name();
      const result = await client().run("run", "--name", c, ...args, image(), "true");
      expect(result.stderr).toContain(text);
      expect(result.code).toBe(125);
    };
    await refused(
      'error looking up logging plugin nosuch: plugin "nosuch" not found',
      "--log-driver",
      "nosuch",
    );
    await refused(
      "unknown log opt 'foo' for log driver local",
      "--log-driver",
      "local",
      "--log-opt",
      "foo=1",
    );
    await refused(
      "unknown log opt 'foo' for json-file log driver",
      "--log-driver=json-file",
      "--log-opt",
      "foo=1",
    );
    await refused(
      "logger: logging mode not supported: slow",
      "--log-driver=json-file",
      "--log-opt",
      "mode=slow",
    );
    const failed = "failed to create task for container: failed to initialize logging driver: ";
    await refused(`${failed}invalid size: 'x'`, "--log-driver=json-file", "--log-opt", "max-size=x");
    await refused(
      `${failed}invalid value for max-size: x: invalid size: 'x'`,
      "--log-driver=local",
      "--log-opt",
      "max-size=x",
    );
    await refused(
      `${failed}template: log-tag:1:2: executing "log-tag" at <.Nosuch>: can't evaluate field Nosuch in type *logger.Info`,
      "--log-driver=json-file",
      "--log-opt",
      "tag={{.Nosuch}}",
    );
    await refused(
      `${failed}dial tcp 127.0.0.1:1: connect: connection refused`,
      "--log-driver=syslog",
      "--log-opt",
      "syslog-address=tcp://127.0.0.1:1",
    );
    const c = name();
    await client().ok("run", "--name", c, "--log-driver", "none", image(), "true");
    expect((await client().run("logs", c)).stderr).toContain(
      "configured logging driver does not support reading",
    );
  });

  check("log tags and attributes with --details", async () => {
    const c = name();
    const options = [
      "--log-opt",
      "tag={{.Name}}/{{upper .ImageName}}",
      "--log-opt",
      "labels=a,b",
      "--log-opt",
      "env=V",
    ];
    await client().ok(
      ...["run", "--name", c, "--log-driver", "json-file", ...options, "--label", "a=1 2", "-e", "V=x"],
      ...[image(), "echo", "hi"],
    );
    const tag = encodeURIComponent(`${c}/${image().toUpperCase()}`);
    expect(await client().ok("logs", "--details", c)).toBe(`V=x,a=1+2,tag=${tag} hi`);
  });
}

// The life of containers through the engine's use cases, against the real kernel, runtime and shim.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as engine from "../../src/engine/index.ts";
import type { CreateRequest, Engine } from "../../src/engine/types.ts";
import { IMAGE, request, type ScratchEngine, scratchEngine } from "./scratch-engine.ts";
import { execOutput, logged, nextExit, outputOf, run, startedContainer } from "./verbs.ts";

let scratch: ScratchEngine;
let rooms: Engine;
beforeAll(async () => {
  scratch = await scratchEngine();
  rooms = scratch.engine;
});
afterAll(() => scratch[Symbol.asyncDispose]());

const noNetwork = { hostConfig: { NetworkMode: "none" } };
const inspect = (id: string) => engine.inspectContainer(rooms, id, { size: false });

describe("run", () => {
  test("output of both streams, exit code, and nothing is left with --rm", async () => {
    const { id, output, exit } = await run(rooms, ["sh", "-c", "echo out; echo err >&2; exit 3"], {
      hostConfig: { AutoRemove: true, NetworkMode: "none" },
    });
    expect(output.stdout).toBe("out\n");
    expect(output.stderr).toBe("err\n");
    expect(exit).toEqual({ StatusCode: 3 });
    expect(() => rooms.containers.find(id)).toThrow(`No such container: ${id}`);
    await rooms.background.idle();
    expect(existsSync(join(scratch.config.dataRoot, "containers", id))).toBe(false);
    expect(existsSync(join(scratch.config.execRoot, "containers", id))).toBe(false);
    expect(existsSync(join(scratch.config.execRoot, "rootfs", id))).toBe(false);
  });

  test("a signal ends it with 128 + its number", async () => {
    const { exit } = await run(rooms, ["sh", "-c", "kill -TERM $$; sleep 5"], noNetwork);
    // As process 1 of its namespace, a shell that does not handle TERM ignores it: sent from inside, nothing happens.
    expect([0, 143]).toContain(exit.StatusCode);
    const { id } = await startedContainer(rooms, ["sleep", "100"], noNetwork);
    const ended = nextExit(rooms, id);
    await engine.killContainer(rooms, id, "");
    expect((await ended).StatusCode).toBe(137);
  });

  test("input, until the client's end of it", async () => {
    const { output, exit } = await run(
      rooms,
      ["sh", "-c", "cat; echo done"],
      { config: { OpenStdin: true, StdinOnce: true, AttachStdin: true }, ...noNetwork },
      "hello\n",
    );
    expect(output.stdout).toBe("hello\ndone\n");
    expect(exit.StatusCode).toBe(0);
  });

  test("what the program finds: environment, host name, working folder, user", async () => {
    const { id, output } = await run(rooms, ["sh", "-c", "echo $PATH $HOME $X; hostname; pwd; id -u"], {
      config: { Env: ["X=1"], WorkingDir: "/made/for it", User: "nobody" },
      ...noNetwork,
    });
    expect(output.stdout).toBe(`/bin / 1\n${id.slice(0, 12)}\n/made/for it\n65534\n`);
  });
});

describe("said when it is made", () => {
  const created = async (parts: Partial<CreateRequest>) => {
    const made = await engine.createContainer(rooms, request(["true"], { ...noNetwork, ...parts }));
    await engine.removeContainer(rooms, made.Id, { force: true, volumes: true });
    return made.Warnings;
  };
  test("nothing about a user namespace of its own, which it has none of without remapping", async () => {
    expect(await created({ hostConfig: { NetworkMode: "none", UsernsMode: "private" } })).toEqual([]);
  });
});

describe("refused before anything is made", () => {
  const cases: [string, Partial<CreateRequest>, string[], string, string][] = [
    [
      "an unknown image",
      { config: { Image: "nobody/nothing" } },
      ["sh"],
      "not-found",
      "No such image: nobody/nothing:latest",
    ],
    [
      "a bad name",
      { name: "-x" },
      ["sh"],
      "invalid",
      "Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ],
    ["a bad mount", { hostConfig: { Binds: ["relative:/x:zz"] } }, ["sh"], "invalid", ""],
    [
      "a log driver that isn't built",
      { hostConfig: { LogConfig: { Type: "gelf" } } },
      ["sh"],
      "not-implemented",
      "the log driver gelf is not implemented in Berth: there are journald, json-file, local, syslog and none",
    ],
    [
      "a log driver that nobody has",
      { hostConfig: { LogConfig: { Type: "nosuch" as "local" } } },
      ["sh"],
      "invalid",
      'error looking up logging plugin nosuch: plugin "nosuch" not found',
    ],
    [
      "a link to nobody",
      { hostConfig: { Links: ["nobody:alias"] } },
      ["sh"],
      "invalid",
      "could not get container for nobody: No such container: nobody",
    ],
    [
      "a log option that isn't one",
      { hostConfig: { LogConfig: { Config: { "max-sizes": "1m" } } } },
      ["sh"],
      "invalid",
      "unknown log opt 'max-sizes' for json-file log driver",
    ],
    [
      "a runtime that isn't one",
      { hostConfig: { Runtime: "nope" } },
      ["sh"],
      "invalid",
      "unknown or invalid runtime name: nope",
    ],
    [
      "another's namespace that isn't there",
      { hostConfig: { NetworkMode: "container:nobody" } },
      ["sh"],
      "invalid",
      "joining network namespace of container: No such container: nobody",
    ],
    [
      "--rm with a restart policy",
      { hostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
      ["sh"],
      "invalid",
      "can't create 'AutoRemove' container with restart policy",
    ],
  ];
  test.each(cases)("%s", async (_what, parts, cmd, kind, text) => {
    const before = rooms.containers.all().length;
    const snapshots = rooms.store.snapshots.list().length;
    const refused = await engine.createContainer(rooms, request(cmd, parts)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind });
    expect((refused as Error).message).toContain(text);
    expect(rooms.containers.all()).toHaveLength(before);
    expect(rooms.store.snapshots.list()).toHaveLength(snapshots);
  });

  test("a name in use, by create and by rename", async () => {
    const { Id } = await engine.createContainer(rooms, request(["sh"], { name: "taken", ...noNetwork }));
    const text = `Conflict. The container name "/taken" is already in use by container "${Id}". You have to remove (or rename) that container to be able to reuse that name.`;
    const again = await engine
      .createContainer(rooms, request(["sh"], { name: "taken" }))
      .catch((error: unknown) => error);
    expect(again).toMatchObject({ kind: "conflict", message: text });
    const other = await engine.createContainer(rooms, request(["sh"], { name: "other", ...noNetwork }));
    expect(engine.renameContainer(rooms, "other", "taken")).rejects.toThrow(
      `Error when allocating new name: ${text}`,
    );
    await engine.renameContainer(rooms, "other", "third");
    expect((await inspect(other.Id)).Name).toBe("/third");
    for (const id of [Id, other.Id]) await engine.removeContainer(rooms, id, { force: false, volumes: true });
  });
});

describe("a command that can't run", () => {
  const cases: [string, string[], number, string][] = [
    ["isn't there", ["/nope"], 127, "no such file or directory"],
    ["isn't in PATH", ["nope"], 127, "executable file not found in $PATH"],
    ["isn't executable", ["/etc/passwd"], 126, "permission denied"],
    ["is a folder", ["/etc"], 126, "permission denied"],
  ];
  test.each(cases)("%s", async (_what, cmd, exitCode, text) => {
    const { Id } = await engine.createContainer(rooms, request(cmd, noNetwork));
    const refused = await engine.startContainer(rooms, Id).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: "invalid" });
    expect((refused as Error).message.toLowerCase()).toContain(text.toLowerCase());
    const { State } = await inspect(Id);
    expect(State).toMatchObject({ Status: "created", ExitCode: exitCode, Pid: 0, Running: false });
    expect(State?.Error).toBe((refused as Error).message);
    expect(existsSync(join(scratch.config.execRoot, "containers", Id))).toBe(false);
    expect(existsSync(join(scratch.config.execRoot, "rootfs", Id))).toBe(false);
    await engine.removeContainer(rooms, Id, { force: false, volumes: true });
  });
});

describe("while it runs", () => {
  test("inspect, list, top, exec, pause, resize's refusal, rm's refusal", async () => {
    const { id, name } = await startedContainer(rooms, ["sleep", "1000"], {
      config: { Labels: { a: "b" } },
      ...noNetwork,
    });
    const state = (await inspect(id)).State;
    expect(state).toMatchObject({ Status: "running", Running: true, ExitCode: 0 });
    // crun is done a moment before its child has become the program.
    const commandLine = () => readFileSync(`/proc/${state?.Pid}/cmdline`, "utf8");
    for (let tries = 0; commandLine().includes("crun") && tries < 500; tries++) await Bun.sleep(10);
    expect(commandLine()).toBe("sleep\x001000\0");
    const [listed] = await engine.listContainers(rooms, {
      all: false,
      size: true,
      filters: { label: ["a=b"] },
    });
    expect(listed).toMatchObject({ Id: id, Image: IMAGE, Command: "sleep 1000", State: "running" });
    expect(listed?.Status).toMatch(/^Up /);
    expect(listed?.SizeRootFs).toBeGreaterThan(0);
    const processes = await engine.topContainer(rooms, id, "");
    expect(processes.Processes?.map((line) => line.at(-1))).toEqual(["sleep 1000"]);

    expect(await execOutput(rooms, id, ["sh", "-c", "echo $A; exit 4"], { Env: ["A=inside"] })).toEqual({
      stdout: "inside\n",
      stderr: "",
      exitCode: 4,
    });
    const missing = await execOutput(rooms, id, ["nope"]).catch((error: unknown) => error);
    expect(missing).toMatchObject({ kind: "invalid" });
    expect((missing as Error).message).toContain("executable file not found in $PATH");

    await engine.pauseContainer(rooms, id);
    expect((await inspect(id)).State).toMatchObject({ Status: "paused", Running: true, Paused: true });
    expect(engine.pauseContainer(rooms, id)).rejects.toThrow(`Container ${id} is already paused`);
    expect(engine.createExec(rooms, name, { Cmd: ["true"] })).rejects.toThrow(
      `Container ${name} is paused, unpause the container before exec`,
    );
    expect(engine.removeContainer(rooms, name, { force: false, volumes: false })).rejects.toThrow(
      `cannot remove container "${name}": container is paused and must be unpaused first`,
    );
    await engine.unpauseContainer(rooms, id);
    expect(engine.unpauseContainer(rooms, id)).rejects.toThrow(`Container ${id} is not paused`);
    expect(engine.removeContainer(rooms, name, { force: false, volumes: false })).rejects.toThrow(
      `cannot remove container "${name}": container is running: stop the container before removing or force remove`,
    );
    expect(await engine.startContainer(rooms, id)).toBe("unchanged");
    await engine.removeContainer(rooms, name, { force: true, volumes: true });
    expect(engine.killContainer(rooms, name, "")).rejects.toThrow(`No such container: ${name}`);
  });

  test("stop: the signal, then the force; start again keeps its files", async () => {
    const { id } = await startedContainer(
      rooms,
      ["sh", "-c", "trap 'echo stopping; exit 5' TERM; echo up >> /log; while :; do sleep 0.1; done"],
      noNetwork,
    );
    await Bun.sleep(100); // the trap has to be set
    expect(await engine.stopContainer(rooms, id, {})).toBe("stopped");
    expect((await inspect(id)).State).toMatchObject({ Status: "exited", ExitCode: 5 });
    expect(await engine.stopContainer(rooms, id, {})).toBe("unchanged");
    expect(engine.killContainer(rooms, id, "TERM")).rejects.toThrow(`container ${id} is not running`);
    expect(await engine.startContainer(rooms, id)).toBe("started");
    await Bun.sleep(100);
    expect((await execOutput(rooms, id, ["cat", "/log"])).stdout).toBe("up\nup\n");
    await engine.stopContainer(rooms, id, { signal: "CONT", timeout: 0 });
    expect((await inspect(id)).State).toMatchObject({ ExitCode: 137 });
    expect(engine.stopContainer(rooms, id, {}).then(() => engine.startContainer(rooms, id))).resolves.toBe(
      "started",
    );
    await engine.restartContainer(rooms, id, { timeout: 0 });
    expect((await inspect(id)).State).toMatchObject({ Status: "running" });
    await engine.removeContainer(rooms, id, { force: true, volumes: true });
  });

  test("logs: tail, follow to the end, and replay with attach", async () => {
    const { id } = await startedContainer(
      rooms,
      ["sh", "-c", "for i in 1 2 3; do echo line $i; done; sleep 0.3; echo last; echo oops >&2"],
      noNetwork,
    );
    const ended = nextExit(rooms, id);
    const logs = (parts: object) =>
      engine.containerLogs(
        rooms,
        id,
        {
          stdout: true,
          stderr: true,
          follow: false,
          timestamps: false,
          details: false,
          tail: "all",
          ...parts,
        },
        new AbortController().signal,
      );
    const followed = logged(await logs({ follow: true }));
    await ended;
    expect(await followed).toEqual({ stdout: "line 1\nline 2\nline 3\nlast\n", stderr: "oops\n" });
    expect(await logged(await logs({ tail: "2" }))).toEqual({
      stdout: "last\n",
      stderr: "oops\n",
    });
    expect(await logged(await logs({ stdout: false }))).toEqual({ stdout: "", stderr: "oops\n" });
    const stamped = await logged(await logs({ tail: "1", timestamps: true }));
    expect(stamped.stderr).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z oops\n$/);
    const attachment = await engine.attachContainer(rooms, id, {
      logs: true,
      stream: false,
      stdin: false,
      stdout: true,
      stderr: false,
    });
    expect((await outputOf(attachment.output)).stdout).toBe("line 1\nline 2\nline 3\nlast\n");
    expect(logs({ stdout: false, stderr: false })).rejects.toThrow("You must choose at least one stream");
    await engine.removeContainer(rooms, id, { force: false, volumes: true });
  });

  test("detach keys leave it running", async () => {
    const { Id } = await engine.createContainer(
      rooms,
      request(["cat"], { config: { Tty: true, OpenStdin: true }, ...noNetwork }),
    );
    const attachment = await engine.attachContainer(rooms, Id, {
      logs: false,
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
    });
    const output = outputOf(attachment.output);
    await engine.startContainer(rooms, Id);
    await engine.resizeContainer(rooms, Id, 30, 100);
    await attachment.write(Buffer.from("hello\r"));
    await Bun.sleep(100);
    await attachment.write(Uint8Array.of(16, 17));
    expect((await output).stdout).toContain("hello");
    expect((await inspect(Id)).State?.Running).toBe(true);
    await engine.removeContainer(rooms, Id, { force: true, volumes: true });
  });
});

describe("side by side", () => {
  test("twenty at once", async () => {
    const runs = Array.from({ length: 20 }, (_, index) =>
      run(rooms, ["sh", "-c", `echo ${index}; exit ${index}`], {
        hostConfig: { AutoRemove: true, NetworkMode: "none" },
      }),
    );
    for (const [index, { output, exit }] of (await Promise.all(runs)).entries()) {
      expect(output.stdout).toBe(`${index}\n`);
      expect(exit.StatusCode).toBe(index);
    }
  });

  test("two remove one container: one does, the other is told", async () => {
    const { id } = await startedContainer(rooms, ["sleep", "100"], noNetwork);
    const outcomes = await Promise.allSettled(
      [1, 2].map(() => engine.removeContainer(rooms, id, { force: true, volumes: true })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [refused] = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused?.reason.message).toBe(`removal of container ${id} is already in progress`);
    expect(refused?.reason.kind).toBe("conflict");
  });

  test("removal by force during a start, and start during a removal", async () => {
    for (let round = 0; round < 5; round++) {
      const { Id } = await engine.createContainer(rooms, request(["sleep", "100"], noNetwork));
      const starting = engine.startContainer(rooms, Id).catch((error: unknown) => error);
      await Bun.sleep(round * 8);
      await engine.removeContainer(rooms, Id, { force: true, volumes: true });
      await starting;
      expect(rooms.containers.get(Id)).toBeUndefined();
    }
  });

  test("a stop and a start that cross", async () => {
    const { id } = await startedContainer(rooms, ["sleep", "100"], noNetwork);
    for (let round = 0; round < 3; round++) {
      await Promise.allSettled([
        engine.stopContainer(rooms, id, { timeout: 0 }),
        engine.startContainer(rooms, id),
        engine.restartContainer(rooms, id, { timeout: 0 }),
      ]);
    }
    expect(["running", "exited"]).toContain((await inspect(id)).State?.Status as string);
    await engine.removeContainer(rooms, id, { force: true, volumes: true });
  });
});

test("events of a life, in Docker's order", async () => {
  const since = Date.now() / 1000;
  const { id } = await run(rooms, ["sh", "-c", "exit 3"], {
    hostConfig: { AutoRemove: true, NetworkMode: "none" },
  });
  const seen: string[] = [];
  const options = { since, until: Date.now() / 1000 + 0.01, filters: { container: [id] } };
  for await (const event of rooms.events.stream(options, new AbortController().signal))
    seen.push(
      `${event.Action}${event.Actor?.Attributes?.exitCode ? ` ${event.Actor.Attributes.exitCode}` : ""}`,
    );
  expect(seen).toEqual(["create", "attach", "start", "die 3", "destroy"]);
});

test("prune removes what doesn't run, and says how much that was", async () => {
  const { id } = await run(rooms, ["sh", "-c", "dd if=/dev/zero of=/big bs=1k count=64 2>/dev/null"], {
    config: { Labels: { prune: "me" } },
    ...noNetwork,
  });
  const kept = await startedContainer(rooms, ["sleep", "100"], {
    config: { Labels: { prune: "me" } },
    ...noNetwork,
  });
  const report = await engine.pruneContainers(rooms, { label: ["prune=me"] });
  expect(report.deleted).toEqual([id]);
  expect(report.spaceReclaimed).toBeGreaterThanOrEqual(64 * 1024);
  await engine.removeContainer(rooms, kept.id, { force: true, volumes: true });
});

test("settings of the default network's endpoint come as `default` and hold for the bridge", async () => {
  const mac = "02:42:ac:11:00:99";
  const asked = (settings: object) => ({ networkingConfig: { EndpointsConfig: { default: settings } } });
  const { output, id } = await run(rooms, ["cat", "/sys/class/net/eth0/address"], asked({ MacAddress: mac }));
  expect(output.stdout).toBe(`${mac}\n`);
  expect(Object.keys((await inspect(id)).NetworkSettings?.Networks ?? {})).toEqual(["bridge"]);
  await expect(run(rooms, ["true"], asked({ IPAMConfig: { IPv4Address: "10.1.2.3" } }))).rejects.toThrow(
    /^invalid config for network bridge: /,
  );
});

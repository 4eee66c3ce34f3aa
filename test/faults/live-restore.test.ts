// Containers outlive their daemon: killed, stopped, or replaced by another build while they run, end, wait, and while clients are
// attached. Under the next one all is as it would have been, and when all was removed nothing is left.
import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

const MS = 1e6;
/** Milliseconds that no daemon runs, at least; some containers end meanwhile. */
const AWAY = 500;
const ENDS = "trap 'exit 9' TERM; while :; do sleep 0.05; done";

interface State {
  Status: string;
  Pid: number;
  ExitCode: number;
  StartedAt: string;
  FinishedAt: string;
  Health?: { Status: string; FailingStreak: number; Log: unknown[] };
}

/** A daemon, our client for it, and what tests ask of both. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly daemon: WatchedDaemon,
    readonly client: Client,
  ) {}

  static async open(): Promise<Scene> {
    const daemon = await startWatchedDaemon();
    await importBusybox(daemon);
    const folder = join(daemon.folder, "client");
    mkdirSync(folder);
    return new Scene(daemon, clientOf("berth", berthBinary(folder), daemon.host, folder));
  }

  async start(name: string, script: string, more: Record<string, unknown> = {}): Promise<void> {
    const body = { Image: BUSYBOX, Cmd: ["sh", "-c", script], ...more };
    const made = await this.daemon.request("POST", `/containers/create?name=${name}`, { body });
    expect(made.status, made.text).toBe(201);
    const { status, text } = await this.daemon.request("POST", `/containers/${name}/start`);
    expect(status, text).toBe(204);
  }

  async inspect(
    name: string,
  ): Promise<{ Id: string; State: State; RestartCount: number; ExecIDs: string[] }> {
    return (await this.daemon.request("GET", `/containers/${name}/json`)).json();
  }
  async state(name: string): Promise<State> {
    return (await this.inspect(name)).State;
  }
  until(name: string, what: (state: State) => boolean): Promise<void> {
    return waitFor(async () => what(await this.state(name)), `${name}: ${what}`);
  }
  names(): Promise<string> {
    return this.client.ok("ps", "-a", "--format", "{{.Names}}");
  }
  async volumes(): Promise<number> {
    const { text } = await this.daemon.request("GET", "/volumes");
    return (JSON.parse(text) as { Volumes: unknown[] | null }).Volumes?.length ?? 0;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

/** How a daemon goes, and how the next one comes. */
const WAYS: Record<string, (daemon: WatchedDaemon) => Promise<void>> = {
  "killed by SIGKILL": (daemon) => daemon.kill9(),
  "stopped by SIGTERM": async (daemon) => {
    expect(await daemon.stop()).toBe(0);
  },
};

describe.each(Object.entries(WAYS))("a daemon that is %s", (_, leave) => {
  test("all that runs, waits, ends or is asked for goes on", async () => {
    await using scene = await Scene.open();
    const { daemon, client } = scene;
    const before = await settled(daemon);
    const onBridge = { HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } } };
    await Promise.all([
      scene.start("counts", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done", onBridge),
      scene.start("frozen", "sleep 1000"),
      scene.start("loops", "exit 4", { HostConfig: { RestartPolicy: { Name: "always" } } }),
      scene.start("ends", ENDS),
      scene.start("fades", ENDS, { HostConfig: { AutoRemove: true }, Volumes: { "/anonymous": {} } }),
      scene.start("stays", "sleep 1000", { HostConfig: { AutoRemove: true }, Volumes: { "/anonymous": {} } }),
      scene.start("checked", "sleep 1000", { Healthcheck: { Test: ["CMD", "true"], Interval: 100 * MS } }),
      scene.start("stubborn", "trap '' TERM; while :; do sleep 0.05; done"),
    ]);
    await daemon.request("POST", "/containers/frozen/pause");
    await using attached = client.start("attach", "counts");
    await using followed = client.start("logs", "-f", "--tail", "1", "counts");
    await using shell = client.terminal("exec", "-it", "counts", "sh");
    await shell.until(/# /);
    await Promise.all([attached.until(/\d+\n/), followed.until(/\d+\n/)]);
    await scene.until("checked", ({ Health }) => Health?.Status === "healthy");
    await waitFor(async () => (await scene.inspect("loops")).RestartCount >= 2, "two restarts");
    const asked = daemon.request("POST", "/containers/stubborn/stop?t=2").catch(() => undefined);
    const kept = ["counts", "frozen", "stays"];
    const [then, restarts, execs] = [
      await Promise.all(kept.map((name) => scene.state(name))),
      (await scene.inspect("loops")).RestartCount,
      (await scene.inspect("counts")).ExecIDs,
    ];
    const ending = [(await scene.state("ends")).Pid, (await scene.state("fades")).Pid];
    const port = await client.ok("port", "counts", "80");
    await leave(daemon);
    // Who was attached is told that it is over; the programs know nothing of it.
    expect(await attached.exited).not.toBe(0);
    expect(await followed.exited).not.toBe(0);
    await shell.exited;
    await asked;
    for (const pid of ending) process.kill(pid, "SIGTERM");
    await Bun.sleep(AWAY);
    const back = Date.now();
    await daemon.restart();

    expect(await Promise.all(kept.map((name) => scene.state(name)))).toEqual(then);
    expect(await client.ok("port", "counts", "80")).toBe(port);
    const { State: ended } = await scene.inspect("ends");
    expect(ended).toMatchObject({ Status: "exited", ExitCode: 9 });
    expect(Date.parse(ended.FinishedAt)).toBeLessThan(back);
    expect((await scene.inspect("loops")).RestartCount).toBeGreaterThanOrEqual(restarts);
    expect(["running", "restarting"]).toContain((await scene.state("loops")).Status);
    expect((await scene.state("checked")).Health).toMatchObject({ Status: "healthy", FailingStreak: 0 });
    await waitFor(async () => !(await scene.names()).includes("fades"), "--rm to remove what ended");
    await waitFor(async () => (await scene.volumes()) === 1, "its volume to be gone, and not the other's");
    // The stop that was asked for kills when its time is over.
    await scene.until("stubborn", ({ Status }) => Status === "exited");
    expect((await scene.state("stubborn")).ExitCode).toBe(137);
    // The exec's shell goes on with its terminal; nobody can attach to it again.
    const exec = await daemon.request("GET", `/exec/${execs[0]}/json`);
    expect(exec.json()).toMatchObject({ Running: true, ExitCode: null });
    expect((await scene.inspect("counts")).ExecIDs).toEqual(execs);
    // What ended meanwhile is an event of the daemon that saw it.
    const filters = encodeURIComponent(JSON.stringify({ container: ["ends"], event: ["die"] }));
    const until = Math.ceil(Date.now() / 1000);
    const events = await daemon.request("GET", `/events?since=0&until=${until}&filters=${filters}`);
    expect(events.text).toContain('"exitCode":"9"');

    // Attached again, its output goes on; its log has all that it wrote while no daemon ran.
    await using again = client.start("attach", "counts");
    await using following = client.start("logs", "-f", "--tail", "1", "counts");
    await Promise.all([again.until(/\d+\n\d+\n/), following.until(/\d+\n\d+\n/)]);
    const lines = (await client.ok("logs", "counts")).split("\n").map(Number);
    expect(lines).toEqual(lines.map((_, index) => index + 1));
    expect((await client.run("exec", "counts", "sh", "-c", "exit 6")).code).toBe(6);
    await client.ok("unpause", "frozen");
    await client.ok("kill", "frozen");
    expect((await scene.state("frozen")).ExitCode).toBe(137);
    const checks = (await scene.state("checked")).Health?.Log.at(-1);
    await scene.until("checked", ({ Health }) => !Bun.deepEquals(Health?.Log.at(-1), checks));
    await client.ok("stop", "-t", "0", "stays");
    await waitFor(async () => (await scene.volumes()) === 0, "the last volume to be gone");
    await client.ok("rm", "-f", "-v", ...(await scene.names()).split("\n"));
    await expectSame(daemon, before);
  });
});

/** A build at another place, as a package's upgrade leaves it: the file of the running one is gone. */
test.skipIf(!process.env.BERTH_BINARY)(
  "a daemon of another build drives the shims of the one before",
  async () => {
    const built = process.env.BERTH_BINARY as string;
    const folder = mkdtempSync("/var/tmp/berth-test-");
    const [old, next] = [join(folder, "old"), join(folder, "next")] as const;
    try {
      copyFileSync(built, old);
      copyFileSync(built, next);
      process.env.BERTH_BINARY = old;
      await using scene = await Scene.open();
      const { daemon } = scene;
      const before = await settled(daemon);
      // The running one goes on with what it was built with, until somebody starts the next.
      rmSync(old);
      await scene.start("runs", "trap 'exit 5' TERM; while :; do sleep 0.05; done");
      const then = await scene.state("runs");
      await daemon.kill9();
      process.env.BERTH_BINARY = next;
      await daemon.restart();
      expect(await scene.state("runs")).toEqual(then);
      const shim = readFileSync(
        join(daemon.execRoot, "containers", (await scene.inspect("runs")).Id, "shim.pid"),
      );
      expect(readFileSync(`/proc/${Number(shim)}/cmdline`, "utf8")).toStartWith(old);
      const client = clientOf("berth", next, daemon.host, folder);
      expect((await client.run("exec", "runs", "sh", "-c", "exit 7")).code).toBe(7);
      await client.ok("pause", "runs");
      await client.ok("unpause", "runs");
      await client.ok("stop", "runs");
      expect((await scene.state("runs")).ExitCode).toBe(5);
      await client.ok("start", "runs");
      await client.ok("rm", "-f", "runs");
      await expectSame(daemon, before);
    } finally {
      process.env.BERTH_BINARY = built;
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

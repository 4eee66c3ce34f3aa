// Clients that start, stop, pause, exec in and remove the same few containers in any order, the daemon killed in between:
// no answer that blames the daemon, and when they are done, all can be removed.
import { expect, test } from "bun:test";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { expectSame, settled, startWatchedDaemon } from "./inventory.ts";

/** Milliseconds; more for a long night. */
const LONG = Number(process.env.BERTH_RACE_TIME ?? 3000);
const CLIENTS = 10;
const NAMES = ["ada", "bob", "cid", "dot"];

/** What Docker answers with 500 too: the container changed under the request. */
const TOLERATED =
  /"(cannot pause|Cannot unpause) container .* not running|is not paused"|marked for removal|died, so the container was killed|OCI runtime exec failed|was stopped/;

test(
  "ten clients and the same containers",
  async () => {
    await using daemon = await startWatchedDaemon();
    await importBusybox(daemon);
    const before = await settled(daemon);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;
    const complaints: string[] = [];
    /** How often something succeeded. */
    const done = new Map<string, number>();
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await daemon.request(method, path, body ? { body } : {});
      const deed = path.replace(/\/(ada|bob|cid|dot|[0-9a-f]{64})/, "").replace(/\?.*/, "");
      if (answer.status < 300) done.set(`${method} ${deed}`, (done.get(`${method} ${deed}`) ?? 0) + 1);
      if (answer.status >= 500 && !TOLERATED.test(answer.text))
        complaints.push(`${method} ${path}: ${answer.status} ${answer.text}`);
      return answer;
    };
    const create = (name: string) =>
      ask("POST", `/containers/create?name=${name}`, {
        Image: BUSYBOX,
        Cmd: pick([["sleep", "60"], ["true"], ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]]),
        HostConfig: pick([
          {},
          {},
          { AutoRemove: true },
          { RestartPolicy: { Name: "always" } },
          { PortBindings: { "80/tcp": [{}] } },
        ]),
      });
    const exec = async (name: string) => {
      const created = await ask("POST", `/containers/${name}/exec`, {
        Cmd: ["sleep", "0.1"],
        AttachStdout: true,
      });
      if (created.status === 201)
        await ask("POST", `/exec/${created.json<{ Id: string }>().Id}/start`, { Detach: false });
    };
    const deeds: ((name: string) => Promise<unknown>)[] = [
      create,
      create,
      (name) => ask("POST", `/containers/${name}/start`),
      (name) => ask("POST", `/containers/${name}/start`),
      (name) => ask("POST", `/containers/${name}/stop?t=0`),
      (name) => ask("POST", `/containers/${name}/restart?t=0`),
      (name) => ask("POST", `/containers/${name}/kill`),
      (name) => ask("POST", `/containers/${name}/pause`),
      (name) => ask("POST", `/containers/${name}/unpause`),
      (name) => ask("DELETE", `/containers/${name}?v=1`),
      (name) => ask("DELETE", `/containers/${name}?v=1&force=1`),
      (name) => ask("GET", `/containers/${name}/json`),
      (name) => ask("GET", `/containers/${name}/top`),
      exec,
    ];
    const race = async () => {
      const until = Date.now() + LONG / 2;
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          while (Date.now() < until) await pick(deeds)(pick(NAMES)).catch(() => Bun.sleep(10)); // the daemon is away
        }),
      );
    };
    await race();
    expect(complaints).toEqual([]);
    const racing = race();
    await Bun.sleep(LONG / 4);
    await daemon.kill9();
    await daemon.restart();
    await racing;
    expect(complaints).toEqual([]);
    for (const deed of ["create", "start"])
      expect([...done.keys()].some((key) => key.endsWith(`/${deed}`)) && deed).toBe(deed);
    expect(done.size).toBeGreaterThan(6);

    const list = (await ask("GET", "/containers/json?all=1")).json<{ Id: string }[]>();
    const removals = await Promise.all(
      list.map(async ({ Id }) => {
        const { status, text } = await ask("DELETE", `/containers/${Id}?force=1&v=1`);
        // One with AutoRemove may go by itself meanwhile.
        return [204, 404, 409].includes(status) ? "" : text;
      }),
    );
    expect(removals).toEqual(list.map(() => ""));
    await expectSame(daemon, before);
  },
  60_000 + 2 * LONG,
);

test("an exec's status can be asked for after its container's removal", async () => {
  await using daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const made = await daemon.request("POST", "/containers/create?name=eve", {
    body: { Image: BUSYBOX, Cmd: ["sleep", "1000"] },
  });
  expect(made.status).toBe(201);
  expect((await daemon.request("POST", "/containers/eve/start")).status).toBe(204);
  const execs: string[] = [];
  for (let count = 0; count < 2; count++) {
    const created = await daemon.request("POST", "/containers/eve/exec", {
      body: { Cmd: ["sleep", "1000"] },
    });
    execs.push(created.json<{ Id: string }>().Id);
  }
  const [started, never] = execs;
  expect((await daemon.request("POST", `/exec/${started}/start`, { body: { Detach: true } })).status).toBe(
    200,
  );
  expect((await daemon.request("DELETE", "/containers/eve?force=1")).status).toBe(204);
  const ended = await daemon.request("GET", `/exec/${started}/json`);
  expect(ended.json<object>()).toMatchObject({ Running: false, ExitCode: 137 });
  expect((await daemon.request("GET", `/exec/${never}/json`)).status).toBe(404);
  expect((await daemon.request("POST", `/exec/${started}/start`, { body: {} })).status).toBe(404);
});

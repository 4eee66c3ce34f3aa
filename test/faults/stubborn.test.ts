// Containers that don't want to end, and ends that come in the middle of something.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { expectSame, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

let daemon: WatchedDaemon;

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
});
// What a failed test left would be in the way of all that follow.
afterEach(async () => {
  const left = (await daemon.request("GET", "/containers/json?all=1")).json<{ Id: string }[]>();
  for (const { Id } of left) await removeByForce(Id);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const post = (path: string, body?: unknown) => daemon.request("POST", path, body ? { body } : {});
const removeByForce = (id: string) => daemon.request("DELETE", `/containers/${id}?force=1`);
const inspect = async (id: string) =>
  (await daemon.request("GET", `/containers/${id}/json`)).json<{
    State: { Status: string; ExitCode: number };
  }>().State;

async function run(
  Cmd: string[],
  HostConfig: Record<string, unknown> = {},
  Env: string[] = [],
): Promise<string> {
  const created = await post("/containers/create", { Image: BUSYBOX, Cmd, Env, HostConfig });
  const { Id } = created.json<{ Id: string }>();
  expect(await post(`/containers/${Id}/start`)).toMatchObject({ status: 204 });
  return Id;
}

async function exec(id: string, ...Cmd: string[]): Promise<{ status: number; text: string }> {
  const created = await post(`/containers/${id}/exec`, { Cmd, AttachStdout: true, AttachStderr: true });
  return post(`/exec/${created.json<{ Id: string }>().Id}/start`, { Detach: false });
}

const IGNORES = "trap '' TERM INT HUP; while :; do sleep 1; done";

test("one that ignores SIGTERM is killed after its time, or by rm -f at once", async () => {
  const before = await settled(daemon);
  const [stopped = "", removed = "", asked = ""] = await Promise.all(
    [1, 2, 3].map(() => run(["sh", "-c", IGNORES])),
  );
  expect(await post(`/containers/${asked}/kill?signal=TERM`)).toMatchObject({ status: 204 });
  const [stop, remove] = await Promise.all([post(`/containers/${stopped}/stop?t=1`), removeByForce(removed)]);
  expect([stop.status, remove.status]).toEqual([204, 204]);
  expect(await inspect(stopped)).toMatchObject({ Status: "exited", ExitCode: 137 });
  expect(await inspect(asked)).toMatchObject({ Status: "running" });
  for (const id of [stopped, asked]) expect(await removeByForce(id)).toMatchObject({ status: 204 });
  await expectSame(daemon, before);
});

// What waits for a writer would be given up after two minutes, which is more than this test has.
test("account files that are FIFOs or devices hold up neither an exec nor a start", async () => {
  const id = await run([
    "sh",
    "-c",
    "rm -f /etc/passwd /etc/group; mkfifo /etc/passwd; mknod /etc/group c 1 5; sleep 600",
  ]);
  const made = async () => (await exec(id, "sh", "-c", "test -c /etc/group && echo there")).text;
  await waitFor(async () => (await made()).includes("there"), "the files");
  expect((await exec(id, "sh", "-c", "echo at $HOME")).text).toContain("at /\n");
  expect(await post(`/containers/${id}/restart?t=0`)).toMatchObject({ status: 204 });
  expect(await removeByForce(id)).toMatchObject({ status: 204 });
}, 60_000);

test("HOME is that of the passwd file, unless the environment has one", async () => {
  const id = await run(["sleep", "600"], {}, ["HOME="]);
  expect((await exec(id, "sh", "-c", "tr '\\0' '\\n' < /proc/1/environ")).text).toContain("HOME=/root\n");
  expect((await exec(id, "sh", "-c", "echo at $HOME")).text).toContain("at /root\n");
  const line = "echo 'root:x:0:0:root:/moved:/bin/sh' > /etc/passwd";
  await exec(id, "sh", "-c", line);
  expect((await exec(id, "sh", "-c", "echo at $HOME")).text).toContain("at /moved\n");
  expect(await removeByForce(id)).toMatchObject({ status: 204 });
});

// A program that starts itself again and again, and doesn't mind a refusal: each of those does the same.
const BOMB = { Cmd: ["sh", "-c", 'exec awk "$B"'], Env: ['B=BEGIN { while (1) system("awk \\"$B\\" &") }'] };
const LIMIT = 40;

/** Some of its programs have always just ended for want of another, so a look finds a few less. */
async function atLimit(id: string): Promise<boolean> {
  const { text } = await daemon.request("GET", `/containers/${id}/top`);
  return ((JSON.parse(text) as { Processes?: unknown[] }).Processes?.length ?? 0) >= LIMIT - 4;
}

test.each([
  ["", {}],
  [" that shares the host's process ids", { PidMode: "host" }],
])("one%s that forks without end", async (_, hostConfig) => {
  const before = await settled(daemon);
  const bomb = () => run(BOMB.Cmd, { PidsLimit: LIMIT, ...hostConfig }, BOMB.Env);
  for (const end of ["stop?t=0", "kill", ""]) {
    const id = await bomb();
    await waitFor(() => atLimit(id), "the bomb to be at its limit");
    if (end === "stop?t=0") {
      // No process more: refused, with a reason; or in a moment with room, done.
      const { status, text } = await exec(id, "true");
      if (status !== 200) expect(text).toMatch(/resource temporarily unavailable|can't fork|cgroup/i);
    }
    if (end !== "") {
      expect(await post(`/containers/${id}/${end}`)).toMatchObject({ status: 204 });
      await waitFor(async () => (await inspect(id)).Status === "exited", "its end");
    }
    const { status, text } = await removeByForce(id);
    expect({ status, text }).toEqual({ status: 204, text: "" });
  }
  await expectSame(daemon, before);
});

test("one that is paused is removed by force, and stopped", async () => {
  const before = await settled(daemon);
  for (const end of ["stop?t=1", "kill", ""]) {
    const id = await run(["sh", "-c", IGNORES]);
    expect(await post(`/containers/${id}/pause`)).toMatchObject({ status: 204 });
    if (end !== "") expect(await post(`/containers/${id}/${end}`)).toMatchObject({ status: 204 });
    expect(await removeByForce(id)).toMatchObject({ status: 204 });
  }
  await expectSame(daemon, before);
});

test("a container ends while execs start in it and run in it", async () => {
  const before = await settled(daemon);
  for (let round = 0; round < 4; round++) {
    const id = await run(["sleep", "60"]);
    const execs = Array.from({ length: 6 }, () => exec(id, "sleep", "60"));
    await Bun.sleep(round * 40);
    expect(await post(`/containers/${id}/kill`)).toMatchObject({ status: 204 });
    for (const { status } of await Promise.all(execs)) expect([200, 409, 500]).toContain(status);
    expect(await removeByForce(id)).toMatchObject({ status: 204 });
  }
  await expectSame(daemon, before);
});

test("fifty starts at once", async () => {
  const before = await settled(daemon);
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const created = await post("/containers/create", { Image: BUSYBOX, Cmd: ["sleep", "60"] });
      return created.json<{ Id: string }>().Id;
    }),
  );
  const starts = await Promise.all(ids.map((id) => post(`/containers/${id}/start`)));
  expect(starts.map(({ status, text }) => `${status}${text}`)).toEqual(ids.map(() => "204"));
  const list = (await daemon.request("GET", "/containers/json")).json<{ Id: string }[]>();
  expect(list.length).toBe(50);
  const removals = await Promise.all(ids.map(removeByForce));
  expect(removals.map(({ status, text }) => `${status}${text}`)).toEqual(ids.map(() => "204"));
  await expectSame(daemon, before);
}, 120_000);

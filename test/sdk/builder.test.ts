// The library as a program uses it: `import { connect } from "berth"`.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "berth";
import { type Client, isNotFound, SdkError } from "../../src/sdk/index.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let client: Client;
beforeAll(async () => {
  daemon = await startDaemon();
  client = connect({ host: daemon.host });
});
afterAll(async () => {
  for (const { Id } of await client.containers.list({ all: true })) {
    await client.containers.remove(Id ?? "", { force: true, volumes: true });
  }
  await daemon[Symbol.asyncDispose]();
});

test("a command's output, input and exit code; the container is gone", async () => {
  const box = client.container("busybox").env({ A: "1" });
  expect(await box.command("sh", "-c", "echo $A; echo err >&2; exit 3").run()).toEqual({
    exitCode: 3,
    stdout: "1\n",
    stderr: "err\n",
  });
  expect(await box.command("wc", "-c").run({ input: "x".repeat(300_000) })).toMatchObject({
    stdout: "300000\n",
  });
  expect(await box.command("true").run({ input: "not read" })).toMatchObject({ exitCode: 0 });
  expect(await client.containers.list({ all: true })).toEqual([]);
});

test("a server for the length of a block", async () => {
  let id = "";
  {
    await using web = await client
      .container("busybox")
      .command("httpd", "-f", "-h", "/etc")
      .publish(80)
      .start();
    id = web.id;
    let page = "";
    for (let tries = 50; tries > 0 && !page; tries--) {
      page = await fetch(`http://127.0.0.1:${web.port(80)}/passwd`)
        .then((answer) => answer.text())
        .catch(() => Bun.sleep(50).then(() => ""));
    }
    expect(page).toContain("root:");
    expect(await web.exec(["sh", "-c", "cat; exit 7"], { input: "in", env: { B: "2" } })).toEqual({
      exitCode: 7,
      stdout: "in",
      stderr: "",
    });
    expect(() => web.port(81)).toThrow("publishes no port 81/tcp");
  }
  const gone = await client.containers.inspect(id).catch((thrown: unknown) => thrown);
  expect(isNotFound(gone)).toBe(true);
});

test("a time-out is an error of its own, and leaves nothing behind", async () => {
  const late = client.container("busybox").command("sleep", "3600").run({ timeout: 300 });
  const thrown = await late.then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(thrown).toBeInstanceOf(SdkError);
  expect((thrown as SdkError).kind).toBe("timeout");
  expect(await client.containers.list({ all: true })).toEqual([]);
});

test("what can't start says why, and leaves nothing behind", async () => {
  await expect(client.container("busybox").command("nosuch").start()).rejects.toThrow(
    "executable file not found",
  );
  await expect(client.container("127.0.0.1:1/nosuch").start()).rejects.toThrow();
  await expect(client.container("nosuch").pull("never").start()).rejects.toThrow("No such image");
  expect(await client.containers.list({ all: true })).toEqual([]);
});

test("nobody there", async () => {
  const thrown = await connect({ host: "unix:///nosuch.sock" })
    .system.version()
    .catch((problem: unknown) => problem);
  expect(thrown).toMatchObject({ kind: "unreachable", status: 0 });
});

test("a stream that is left early ends its request", async () => {
  const stop = new AbortController();
  const events = await client.system.events({ signal: stop.signal });
  const first = events.next();
  await client.container("busybox").command("true").run();
  expect((await first).value).toMatchObject({ Type: "container", Action: "create" });
  await events.return(undefined);
});

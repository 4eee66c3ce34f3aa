// Copies that come to no good end: the client leaves, the container is removed, starts or ends meanwhile, the daemon is
// killed. Nothing stays mounted, locked or running for them.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { close } from "../../src/linux/ffi.ts";
import { makePipe } from "../../src/linux/pipe.ts";
import { connect } from "../../src/sdk/index.ts";
import { berthBinary } from "../clients/berth-binary.ts";
import { entriesOf } from "../containers/archives.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { waitFor } from "../fixtures/daemon.ts";
import { archiveOf } from "../store/archives.ts";
import { expectSame, inventory, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

const MEGABYTE = 1 << 20;

async function create(daemon: WatchedDaemon, command: string): Promise<string> {
  const body = {
    Image: BUSYBOX,
    Cmd: ["sh", "-c", command],
    Volumes: { "/volume": {} },
    HostConfig: { NetworkMode: "none" },
  };
  return (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>().Id;
}

interface Client {
  leave(): void;
}

/** A client that sends the first half of an archive, and then nothing. */
async function halfSent(daemon: WatchedDaemon, id: string): Promise<Client & { socket: Socket }> {
  const archive = archiveOf(
    { name: "first", content: "1" },
    { name: "half", content: Buffer.alloc(MEGABYTE, 1) },
  );
  const socket = connectSocket({ path: daemon.socket });
  socket.on("error", () => {});
  socket.write(
    `PUT /containers/${id}/archive?path=/volume HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: ${archive.length}\r\n\r\n`,
  );
  socket.write(archive.subarray(0, archive.length / 2));
  await untilWorking(daemon, 1);
  return { socket, leave: () => socket.destroy() };
}

/** A client that asked for more than the buffers on the way take, and whose reader takes none of it. */
async function unread(daemon: WatchedDaemon, id: string): Promise<Client> {
  const pipe = makePipe(); // Bun's own sockets and pipes read ahead
  const child = Bun.spawn([berthBinary(daemon.folder), "-H", daemon.host, "cp", `${id}:/volume`, "-"], {
    stdio: ["ignore", pipe.write, "ignore"],
  });
  close(pipe.write);
  await untilWorking(daemon, 2);
  return {
    leave() {
      child.kill("SIGKILL");
      close(pipe.read);
    },
  };
}

/** Workers that read or write files of this daemon's containers, whoever their parent is by now. */
const workersOf = (daemon: WatchedDaemon): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter(
      (command) =>
        / worker (extract|archive|stat|export) /.test(command) && command.includes(daemon.execRoot),
    );

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ");
  } catch {
    return ""; // It ended meanwhile
  }
}

const untilWorking = (daemon: WatchedDaemon, count: number) =>
  waitFor(
    () => workersOf(daemon).length === count,
    `${count} workers`,
    () => workersOf(daemon).join("\n"),
  );

/** A container that doesn't run, with a copy into it and one out of it that come to no end. */
async function withStalledCopies(
  daemon: WatchedDaemon,
): Promise<{ id: string; sender: Awaited<ReturnType<typeof halfSent>>; reader: Client }> {
  const id = await create(daemon, "sleep 1000");
  const big = archiveOf({ name: "big", content: Buffer.alloc(16 * MEGABYTE, 1) });
  await connect({ host: daemon.host }).containers.files.write(id, "/volume", big);
  return { id, sender: await halfSent(daemon, id), reader: await unread(daemon, id) };
}

const rootMounts = (daemon: WatchedDaemon) =>
  inventory(daemon).mounts.filter((target) => target.startsWith("/run/rootfs/"));

test("clients that leave in the middle leave nothing", async () => {
  await using daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const before = await settled(daemon);
  const { id, sender, reader } = await withStalledCopies(daemon);
  expect(rootMounts(daemon)).toHaveLength(1);
  for (const client of [sender, reader]) client.leave();
  await untilWorking(daemon, 0);
  await waitFor(() => rootMounts(daemon).length === 0, "the root file system to be unmounted");
  // What came before the end is there, as with Docker.
  const { archive } = await connect({ host: daemon.host }).containers.files.read(id, "/volume/first");
  expect([...(await entriesOf(archive)).keys()]).toEqual(["first"]);
  expect((await daemon.request("DELETE", `/containers/${id}?v=1`)).status).toBe(204);
  await expectSame(daemon, before);
});

test("a removal ends the copies, whose clients hear of it", async () => {
  await using daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const before = await settled(daemon);
  const { id, sender, reader } = await withStalledCopies(daemon);
  const told = new Promise<string>((resolve) =>
    sender.socket.once("data", (chunk) => resolve(String(chunk))),
  );
  expect((await daemon.request("DELETE", `/containers/${id}?v=1`)).status).toBe(204);
  expect(await told).toContain(`container ${id} is being removed`);
  for (const client of [sender, reader]) client.leave();
  await expectSame(daemon, before);
});

test("a start and an end go by under the copies", async () => {
  await using daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const before = await settled(daemon);
  const { id, sender, reader } = await withStalledCopies(daemon);
  const { files } = connect({ host: daemon.host }).containers;
  const say = async (status: number, verb: string) =>
    expect((await daemon.request("POST", `/containers/${id}/${verb}`)).status).toBe(status);
  await say(204, "start");
  await files.write(id, "/tmp", archiveOf({ name: "while it runs" }));
  expect(rootMounts(daemon)).toHaveLength(1);
  await say(204, "restart?t=0");
  await say(204, "stop?t=0");
  expect(workersOf(daemon)).toHaveLength(2);
  expect(rootMounts(daemon)).toHaveLength(1);
  await files.stat(id, "/tmp/while it runs");
  for (const client of [sender, reader]) client.leave();
  await waitFor(() => rootMounts(daemon).length === 0, "the root file system to be unmounted");
  await say(204, "start");
  await files.stat(id, "/tmp/while it runs");
  expect((await daemon.request("DELETE", `/containers/${id}?force=1&v=1`)).status).toBe(204);
  await expectSame(daemon, before);
});

test("a daemon that is killed takes its workers along, and the next one unmounts", async () => {
  await using daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const before = await settled(daemon);
  const { id, sender, reader } = await withStalledCopies(daemon);
  await daemon.kill9();
  await untilWorking(daemon, 0);
  for (const client of [sender, reader]) client.leave();
  await daemon.restart();
  expect(rootMounts(daemon)).toEqual([]);
  await connect({ host: daemon.host }).containers.files.stat(id, "/volume/first");
  expect((await daemon.request("DELETE", `/containers/${id}?v=1`)).status).toBe(204);
  await expectSame(daemon, before);
});

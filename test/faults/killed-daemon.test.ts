// The daemon is killed at any moment, again and again, while clients run, remove, pull, load and log: what it has in the
// end, when all was removed, is what it had at the beginning.
import { expect, test } from "bun:test";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { makeImage, noise } from "../fixtures/image.ts";
import { startRegistry } from "../fixtures/registry.ts";
import { expectSame, settled, startWatchedDaemon } from "./inventory.ts";

/** More for a long night: each takes about a second. */
const ROUNDS = Number(process.env.BERTH_KILL_ROUNDS ?? 8);
/** Milliseconds until the daemon is killed, at most; a start takes some 60, a pull of the image some 200. */
const LONGEST = 600;

/** A client that takes it as it comes: its daemon may be gone at any moment. */
async function patient(work: () => Promise<void>, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    try {
      await work();
    } catch {
      await Bun.sleep(5);
    }
  }
}

test(
  "killed while it runs, removes, pulls and loads",
  async () => {
    await using registry = await startRegistry();
    const image = makeImage({
      layers: [{ files: { a: noise(3 << 20, 21) } }, { files: { "d/": "", "d/b": noise(1 << 20, 22) } }],
    });
    await registry.push(image, "big", "1");
    await using daemon = await startWatchedDaemon();
    await importBusybox(daemon);
    const before = await settled(daemon);
    const { request } = daemon;

    const create = async (body: Record<string, unknown>) =>
      (await request("POST", "/containers/create", { body: { Image: BUSYBOX, ...body } })).json<{
        Id: string;
      }>().Id;
    const clients: (() => Promise<void>)[] = [
      async () => {
        const id = await create({ Cmd: ["true"], HostConfig: { AutoRemove: true } });
        await request("POST", `/containers/${id}/start`);
      },
      async () => {
        const ports = { "80/tcp": [{ HostPort: "" }] };
        const id = await create({
          Cmd: ["sh", "-c", "while :; do echo line; done"],
          Volumes: { "/v": {} },
          HostConfig: { PortBindings: ports, LogConfig: { Config: { "max-size": "100k" } } },
        });
        await request("POST", `/containers/${id}/start`);
        await request("POST", `/containers/${id}/stop?t=0`);
        await request("DELETE", `/containers/${id}?force=1&v=1`);
      },
      async () => {
        const id = await create({ Cmd: ["sleep", "60"], HostConfig: { RestartPolicy: { Name: "always" } } });
        await request("POST", `/containers/${id}/start`);
        await request("POST", `/containers/${id}/kill`);
      },
      async () => {
        await request("POST", `/images/create?fromImage=${registry.host}/big&tag=1`);
        await request("DELETE", `/images/${registry.host}/big:1?force=1`);
      },
    ];
    const over = new AbortController();
    const busy = clients.map((work) => patient(work, over.signal));
    for (let round = 0; round < ROUNDS; round++) {
      await Bun.sleep(Math.random() * LONGEST);
      await daemon.kill9();
      await daemon.restart();
    }
    over.abort();
    await Promise.all(busy);

    await daemon.restart();
    const list = (await request("GET", "/containers/json?all=1")).json<{ Id: string; State: string }[]>();
    for (const { Id } of list) {
      const { status, text } = await request("DELETE", `/containers/${Id}?force=1&v=1`);
      // One with AutoRemove may go by itself meanwhile.
      expect({ Id, ok: [204, 404, 409].includes(status), text }).toMatchObject({ Id, ok: true });
    }
    await request("POST", `/volumes/prune?filters=${encodeURIComponent('{"all":["1"]}')}`);
    await request("DELETE", `/images/${registry.host}/big:1?force=1`);
    await request("POST", "/images/prune");
    // Namespaces and devices are let go in a quiet moment.
    await expectSame(daemon, before, { parts: ["mounts", "devices", "rules", "processes", "cgroups"] });
    // What an interrupted pull left is kept to go on with it, for its lease's hour and the download's day.
    const { files, rows } = await settled(daemon);
    const { files: filesBefore, rows: rowsBefore } = before;
    const resumable = /^(ingest\/|ingests: |lease|blobs: |blob_edges: |content\/|snapshots[:/])/;
    expect(files.filter((line) => !filesBefore.includes(line) && !resumable.test(line))).toEqual([]);
    expect(rows.filter((line) => !rowsBefore.includes(line) && !resumable.test(line))).toEqual([]);
    for (const line of rowsBefore) expect(rows).toContain(line);
    await expectSame(daemon, await settled(daemon));
  },
  120_000 + ROUNDS * 5_000,
);

// `--mount type=image`: an image's files in a container, read-only, as long as the container is there.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ContainerInspectResponse, Mount } from "../../src/api/types/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { layerTar } from "../fixtures/image.ts";

let daemon: Daemon;

/** Imported under a name of its own, so that it can be removed. */
async function importTools(name: string): Promise<void> {
  const answer = await daemon.request("POST", `/images/create?fromSrc=-&repo=${name}&tag=1`, {
    body: layerTar({ "tools/": "", "tools/hammer": `${name}'s`, top: "of it" }),
  });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const mount = (own: Partial<Mount>): Mount => ({ Type: "image", Target: "/x", ...own });

async function create(
  mounts: Mount[],
  script: string,
  own: object = {},
): Promise<{ status: number; said: string }> {
  const answer = await daemon.request("POST", "/containers/create", {
    body: {
      Image: BUSYBOX,
      Cmd: ["sh", "-c", script],
      Tty: true,
      HostConfig: { NetworkMode: "none", Mounts: mounts, ...own },
    },
  });
  const { Id, message } = answer.json<{ Id?: string; message?: string }>();
  return { status: answer.status, said: Id ?? message ?? "" };
}

async function output(id: string): Promise<string[]> {
  const started = await daemon.request("POST", `/containers/${id}/start`);
  if (started.status !== 204) return [started.text];
  await daemon.request("POST", `/containers/${id}/wait`);
  const { text } = await daemon.request("GET", `/containers/${id}/logs?stdout=1`);
  return text.replaceAll("\r", "").trimEnd().split("\n");
}

test("its files are there, whole or from a subpath, and stay read-only when its name is removed", async () => {
  await importTools("tools");
  const { said: id } = await create(
    [
      mount({ Source: "tools:1" }),
      mount({ Source: "tools:1", Target: "/y", ImageOptions: { Subpath: "tools" } }),
      mount({ Source: "tools:1", Target: "/file", ImageOptions: { Subpath: "top" } }),
    ],
    "cat /x/tools/hammer; echo; ls /y; cat /file; echo; touch /x/new /y/new 2>&1 | grep -c Read-only",
  );
  // Removed, and collected: the container keeps what it is made with.
  await daemon.request("DELETE", "/images/tools:1?force=1");
  await daemon.request("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D");
  const expected = ["tools's", "hammer", "of it", "2"];
  expect(await output(id)).toEqual(expected);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${daemon.execRoot}/subpaths/i-`);
  const { Mounts = [] } = (
    await daemon.request("GET", `/containers/${id}/json`)
  ).json<ContainerInspectResponse>();
  expect(Mounts.find(({ Destination }) => Destination === "/x")).toEqual({
    Type: "image",
    Name: "tools:1",
    Source: "",
    Destination: "/x",
    Mode: "",
    RW: false,
    Propagation: "rprivate",
  });
  // Another may have them from it, and hold them when it is gone.
  const { said: other } = await create([], "cat /x/tools/hammer; echo", { VolumesFrom: [id] });
  await daemon.request("DELETE", `/containers/${id}`);
  expect(await output(other)).toEqual(["tools's"]);
  await daemon.request("DELETE", `/containers/${other}`);
});

test("an image that isn't there, and a subpath that isn't in it", async () => {
  expect(await create([mount({ Source: "no/such:1" })], "true")).toEqual({
    status: 404,
    said: "No such image: no/such:1",
  });
  const { said: id } = await create(
    [mount({ Source: BUSYBOX, ImageOptions: { Subpath: "no/such" } })],
    "true",
  );
  expect((await output(id))[0]).toMatch(/cannot access path .*no\/such: no such file or directory/);
  await daemon.request("DELETE", `/containers/${id}`);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${daemon.execRoot}/subpaths`);
});

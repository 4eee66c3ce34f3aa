// Ten thousand random bytes as the body of every POST route: refused with a clear error, and the daemon as before.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROUTES } from "../../src/api/routes.ts";
import { openRaw, splitHead, UPGRADE } from "../api/raw.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { noise } from "../fixtures/image.ts";
import { expectSame, type Inventory, settled, startWatchedDaemon, type WatchedDaemon } from "./inventory.ts";

let daemon: WatchedDaemon;
let running = "";
let execId = "";
let before: Inventory;

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const create = { Image: BUSYBOX, Cmd: ["sleep", "3600"] };
  running = (await daemon.request("POST", "/containers/create?name=up", { body: create })).json<{
    Id: string;
  }>().Id;
  await daemon.request("POST", `/containers/${running}/start`);
  execId = (await daemon.request("POST", "/containers/up/exec", { body: { Cmd: ["true"] } })).json<{
    Id: string;
  }>().Id;
  before = await settled(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const POSTS = [...new Map(ROUTES.filter(({ method }) => method === "POST").map((r) => [r.path, r])).values()];
const BODY = noise(10_000, 11);

/** With names of things that are there, so that a body is looked at and not only a name. */
function pathOf(path: string): string {
  if (path.startsWith("/exec")) return path.replace("{id}", execId);
  if (path.startsWith("/images")) return path.replace("{name}", BUSYBOX);
  return path.replace(/\{\w+\}/, "up");
}

const STREAMS: Record<string, string> = { "/images/create": "?fromSrc=-&repo=random&tag=1" };

describe.each(["application/json", "application/octet-stream", "application/x-www-form-urlencoded", "none"])(
  "as %s",
  (type) => {
    test.each(POSTS.map((route) => [route.path, route] as const))("POST %s", async (path, route) => {
      const headers: Record<string, string> = type === "none" ? {} : { "Content-Type": type };
      const answer = await daemon.request("POST", pathOf(path) + (STREAMS[path] ?? ""), {
        body: BODY,
        headers,
      });
      const said = `${answer.status} ${answer.text.slice(0, 300)}`;
      if (!route.handler)
        expect(said).toMatch(/^501 \{"message":"\w+ \(POST .* is not implemented in Berth"\}/);
      // Nothing was attached to, so nothing reads what is sent: as in Docker.
      else if (path.endsWith("/attach") && answer.text === "") expect(answer.status).toBe(200);
      // Archives are refused in their stream, where it has begun.
      else if (answer.status === 200 && answer.text !== "")
        expect(said).toMatch(/"errorDetail"|truncated|damaged/);
      else {
        expect(said).toMatch(/^4\d\d \{"message":".+"\}/);
        expect(answer.text).not.toMatch(/undefined|TypeError|\[object|\.ts:/);
      }
    });
  },
);

test.each(POSTS.map(({ path }) => path))("POST %s, upgraded, and then noise", async (path) => {
  using connection = openRaw(daemon.socket);
  const head = Object.entries({ Host: "d", ...UPGRADE, "Content-Length": "0" }).map(([k, v]) => `${k}: ${v}`);
  connection.send(`POST ${pathOf(path)} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  connection.send(BODY);
  connection.halfClose();
  if (path.endsWith("/attach") || path.endsWith("/wait") || path.endsWith("/restart")) await Bun.sleep(200);
  else {
    await connection.ended();
    expect(splitHead(connection.received()).status).toMatch(/^HTTP\/1\.1 [12345]\d\d /);
  }
});

test.each([
  ["a line without end", "x".repeat(200_000)],
  ["random bytes", noise(50_000, 12)],
  [
    "a chunk whose length is none",
    "POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  ],
  ["a negative length", "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -5\r\n\r\n"],
  [
    "two lengths",
    "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
  ],
  ["a header of 1 MB", `GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${"y".repeat(1_000_000)}\r\n\r\n`],
])("%s instead of a request", async (_, bytes) => {
  using connection = openRaw(daemon.socket);
  connection.send(bytes);
  connection.halfClose();
  await connection.ended();
  const answer = connection.received().toString("latin1");
  if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test("afterwards all is as it was, and the daemon serves", async () => {
  // The container may have been asked to stop or to restart by bytes that no such route reads.
  await daemon.request("DELETE", `/containers/${running}?force=1`);
  const list = (await daemon.request("GET", "/containers/json?all=1")).json<unknown[]>();
  expect(list).toEqual([]);
  const gone = (part: string[]) => part.filter((line) => !line.includes(running) && !line.includes(execId));
  await daemon.request("GET", "/_ping");
  const now = await settled(daemon);
  expect(gone(now.rows).filter((line) => !before.rows.includes(line))).toEqual([]);
  expect(now.processes).toEqual([]);
  expect(now.cgroups).toEqual([]);
  expect(now.devices).toEqual([]);
  await expectSame(daemon, now);
});

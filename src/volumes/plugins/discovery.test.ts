import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPlugin, parseAddress, pluginNames } from "./discovery.ts";
import { pathProblem } from "./plugin-driver.ts";

describe("addresses of plugins", () => {
  test.each([
    ["unix:///run/x.sock", { shown: "/run/x.sock", socket: "/run/x.sock", base: "http://plugin" }],
    ["tcp://127.0.0.1:8080", { shown: "tcp://127.0.0.1:8080", base: "http://127.0.0.1:8080" }],
    ["http://host:80/path", { shown: "http://host:80/path", base: "http://host" }],
    ["https://host:8443", { shown: "https://host:8443", base: "https://host:8443" }],
  ])("%s", (text, expected) => {
    expect(parseAddress("x", text)).toEqual({ name: "x", ...expected });
  });

  test.each(["", "/run/x.sock", "unix://relative", "tcp://", "ftp://host"])("%p is none", (text) => {
    expect(() => parseAddress("x", text)).toThrow(/Unknown protocol|not absolute|no host/);
  });
});

describe("where plugins are found", () => {
  let folder: string;
  const sockets: { stop(force?: boolean): unknown }[] = [];
  const listen = (path: string) => sockets.push(Bun.serve({ unix: path, fetch: () => new Response("{}") }));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-plugins-"));
    for (const name of ["one", "one/inner", "two", "empty"]) mkdirSync(join(folder, name));
    listen(join(folder, "one/direct.sock"));
    listen(join(folder, "one/inner/inner.sock"));
    writeFileSync(join(folder, "one/no.sock"), "a file");
    writeFileSync(join(folder, "two/line.spec"), " tcp://127.0.0.1:1\n");
    writeFileSync(
      join(folder, "two/safe.json"),
      '{"Name":"ignored","Addr":"https://h:2","TLSConfig":{"InsecureSkipVerify":false}}',
    );
    writeFileSync(join(folder, "two/broken.json"), "{");
    writeFileSync(join(folder, "two/direct.spec"), "tcp://127.0.0.1:9");
  });
  afterAll(() => {
    for (const socket of sockets) socket.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });
  const folders = () => [join(folder, "two"), join(folder, "one"), join(folder, "missing")];

  test("a socket, before a file of the same name in whichever folder", async () => {
    expect((await findPlugin(folders(), "direct"))?.socket).toBe(join(folder, "one/direct.sock"));
    expect((await findPlugin(folders(), "inner"))?.socket).toBe(join(folder, "one/inner/inner.sock"));
  });

  test("a file with an address", async () => {
    expect((await findPlugin(folders(), "line"))?.base).toBe("http://127.0.0.1:1");
    expect(await findPlugin(folders(), "safe")).toEqual({
      name: "safe",
      shown: "https://h:2",
      base: "https://h:2",
      tls: { ca: undefined, cert: undefined, key: undefined, verify: false },
    });
    await expect(findPlugin(folders(), "broken")).rejects.toThrow('plugin "broken": ');
  });

  test.each(["no", "nothing", "", "..", "../one/direct", "one/direct"])(
    "none of the name %p",
    async (name) => {
      expect(await findPlugin(folders(), name)).toBeUndefined();
    },
  );

  test("all of them", async () => {
    expect((await pluginNames(folders())).sort()).toEqual(["broken", "direct", "inner", "line", "safe"]);
  });
});

describe("a path that a plugin answers", () => {
  const forbidden = ["/var/lib/berth", "/run/berth"];
  test.each([
    ["/mnt/volumes/a", undefined],
    ["/var/lib/berthold", undefined],
    ["/mnt//a/./b/", undefined],
    ["mnt/a", "is not absolute"],
    ["", "is not absolute"],
    ["/", "is the host's root"],
    ["/./", "is the host's root"],
    ["/mnt/..", "is the host's root"],
    ["/mnt/../etc", "leads upwards"],
    ["/mnt/\0", "is no path"],
    ["/var/lib/berth/volumes/x", "is or has the daemon's own folder /var/lib/berth"],
    ["/run/berth", "is or has the daemon's own folder /run/berth"],
    ["/var/lib", "is or has the daemon's own folder /var/lib/berth"],
  ])("%p", (path, problem) => {
    expect(pathProblem(path, forbidden)).toBe(problem);
  });

  test("is no longer than the kernel takes", () => {
    expect(pathProblem(`/${"x".repeat(4095)}`, forbidden)).toBe("is no path");
  });
});

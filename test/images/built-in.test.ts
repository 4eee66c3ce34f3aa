// hello-world and busybox without a registry: what they are, and when they are used and when not.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { helloProgram, isStaticProgram } from "../../src/images/built-in/elf.ts";
import { HELLO_MESSAGE } from "../../src/images/built-in/hello-world.ts";
import { builtInFor, makeBuiltIn } from "../../src/images/built-in/index.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { makeImage } from "../fixtures/image.ts";
import { contentsOf, openImagesRoom } from "../fixtures/images-room.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";

const host = { os: "linux", architecture: "amd64" };
const LINE = (name: string) => `No registry could be reached: using the ${name} image that comes with Berth`;

// A proxy that nobody listens at makes docker.io unreachable, on a machine with a network too.
const before = process.env.HTTPS_PROXY;
beforeEach(() => {
  process.env.HTTPS_PROXY = "http://127.0.0.1:1";
});
afterEach(() => {
  if (before === undefined) delete process.env.HTTPS_PROXY;
  else process.env.HTTPS_PROXY = before;
});

describe("the program of hello-world", () => {
  test("says its message and ends well", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "hello");
    const machine = process.arch === "arm64" ? "arm64" : "amd64";
    writeFileSync(path, helloProgram(machine, HELLO_MESSAGE));
    chmodSync(path, 0o755);
    const { exitCode, stdout } = Bun.spawnSync([path]);
    expect([exitCode, stdout.toString()]).toEqual([0, HELLO_MESSAGE]);
    expect(isStaticProgram(readFileSync(path))).toBe(true);
  });
  test("for arm64: the instructions, as an assembler gives them", () => {
    const program = Buffer.from(helloProgram("arm64", "hi\n"));
    const code = Array.from({ length: 8 }, (_, at) => program.readUInt32LE(120 + 4 * at).toString(16));
    expect(code).toEqual([
      "d2800020", // mov x0, #1
      "100000e1", // adr x1, #28
      "d2800062", // mov x2, #3
      "d2800808", // mov x8, #64
      "d4000001", // svc #0
      "d2800000", // mov x0, #0
      "d2800ba8", // mov x8, #93
      "d4000001", // svc #0
    ]);
    expect(program.subarray(152).toString()).toBe("hi\n");
    expect(program.readUInt16LE(18)).toBe(183);
  });
  test("what needs a loader isn't static", () => {
    expect(isStaticProgram(readFileSync(process.execPath))).toBe(false);
    expect(isStaticProgram(new TextEncoder().encode("#!/bin/sh\n"))).toBe(false);
    expect(isStaticProgram(readFileSync("/bin/busybox"))).toBe(true);
  });
});

describe("made the same each time", () => {
  test.each(["hello-world", "busybox"] as const)("%s", async (name) => {
    const [one, two] = [await makeBuiltIn(name, "amd64"), await makeBuiltIn(name, "amd64")];
    expect(digestOf(one.manifest)).toBe(digestOf(two.manifest));
    expect(digestOf(one.layer)).toBe(digestOf(two.layer));
  });
  test("busybox has a link for each command and the files that programs look for", async () => {
    const { layer } = await makeBuiltIn("busybox", "amd64");
    const { stdout } = Bun.spawnSync(["tar", "tvf", "-"], { stdin: Buffer.from(layer) });
    const listing = stdout.toString();
    expect(listing).toMatch(/^h\S+ 0\/0 .* bin\/sh link to bin\/busybox$/m);
    expect(listing).toMatch(/^drwxrwxrwt 0\/0 .* tmp\/$/m);
    expect(listing).toMatch(/^drwx------ 0\/0 .* root\/$/m);
    for (const path of ["etc/passwd", "etc/group", "etc/nsswitch.conf"])
      expect(listing).toContain(` ${path}\n`);
    expect(listing.split("\n").length).toBeGreaterThan(200);
  });
});

describe("which names", () => {
  test.each<[string, ReturnType<typeof builtInFor>]>([
    ["hello-world", "hello-world"],
    ["hello-world:latest", "hello-world"],
    ["busybox", "busybox"],
    ["busybox:1.36", undefined],
    ["library/busybox", undefined],
    ["docker.io/library/busybox", undefined],
    ["docker.io/library/busybox:latest", undefined],
    [`busybox@sha256:${"0".repeat(64)}`, undefined],
    ["localhost:5000/busybox", undefined],
    ["busyboxx", undefined],
  ])("%s: %s", (text, expected) => {
    expect(builtInFor(text, undefined, host)).toBe(expected);
  });
  test("for the host's platform only", () => {
    expect(builtInFor("busybox", host, host)).toBe("busybox");
    expect(builtInFor("busybox", { os: "linux", architecture: "arm64" }, host)).toBeUndefined();
    expect(builtInFor("busybox", undefined, { os: "linux", architecture: "riscv64" })).toBeUndefined();
  });
});

describe("pulling", () => {
  test.each(["hello-world", "busybox"])("%s, at once and with one line", async (name) => {
    await using room = await openImagesRoom();
    const began = performance.now();
    const said = await room.pull(name);
    // It takes a twentieth of a second; a second is for a busy machine.
    expect(performance.now() - began).toBeLessThan(1000);
    const { id, chain } = await room.images.resolve(name);
    expect(said).toEqual([
      { status: LINE(name) },
      { status: `Digest: ${id}` },
      { status: `Status: Downloaded newer image for ${name}:latest` },
    ]);
    expect(room.context.store.snapshots.layer(chain!)).toBeDefined();
    await room.context.store.collectGarbage();
    expect(contentsOf(room.context)).toMatchObject({
      layers: 1,
      names: [`docker.io/library/${name}:latest`],
    });
    expect((await room.pull(name)).at(-1)).toEqual({
      status: `Status: Image is up to date for ${name}:latest`,
    });
  });

  test("never when forbidden, by digest, by another name", async () => {
    await using room = await openImagesRoom();
    const refused = /connection refused|failed to do request/;
    await expect(room.pull("busybox", { builtIn: false })).rejects.toThrow(refused);
    await expect(room.pull(`busybox@sha256:${"0".repeat(64)}`)).rejects.toThrow(refused);
    await expect(room.pull("docker.io/library/busybox:latest")).rejects.toThrow(refused);
    await expect(room.pull("busybox:1.36")).rejects.toThrow(refused);
    expect(contentsOf(room.context).names).toEqual([]);
  });

  test("never when a registry answers", async () => {
    const image = makeImage();
    await using mirror = await startLyingRegistry(image, "latest");
    await using room = await openImagesRoom({ registryMirrors: [`http://${mirror.host}`] });
    await room.pull("busybox");
    expect((await room.images.resolve("busybox")).id).toBe(image.root.digest);
  });

  const elsewhere = (location: string) => (response: ServerResponse) =>
    void response.writeHead(307, { location }).end();
  test.each<[string, (response: ServerResponse) => void]>([
    ["has no such image", (response) => void response.writeHead(404).end()],
    ["cuts the connection", (response) => void response.destroy()],
    ["redirects to where nobody listens", elsewhere("http://127.0.0.1:1/v2/")],
    ["redirects to what is not HTTP", elsewhere("ftp://127.0.0.1/v2/")],
  ])("never when a mirror is there and %s", async (_, answer) => {
    const mirror = createHttpServer((_request, response) => answer(response));
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    try {
      const registryMirrors = [`http://127.0.0.1:${(mirror.address() as AddressInfo).port}`];
      await using room = await openImagesRoom({ registryMirrors, maxDownloadAttempts: 1 });
      await expect(room.pull("busybox")).rejects.toThrow("connection refused");
      expect(contentsOf(room.context).names).toEqual([]);
    } finally {
      mirror.close();
    }
  });

  test("also when neither mirror nor registry can be reached", async () => {
    await using room = await openImagesRoom({ registryMirrors: ["http://127.0.0.1:1"] });
    expect((await room.pull("busybox"))[0]).toEqual({ status: LINE("busybox") });
  });

  test("never when what is at the registry's address doesn't speak TLS as it should", async () => {
    // A proxy that ends each tunnel itself, as some networks' sign-in pages do.
    const proxy = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      process.env.HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      await using room = await openImagesRoom({ maxDownloadAttempts: 1 });
      await expect(room.pull("busybox")).rejects.toThrow("failed to do request");
      expect(contentsOf(room.context).names).toEqual([]);
    } finally {
      proxy.close();
    }
  });

  test("a registry that never answers is not waited for long", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    process.env.HTTPS_PROXY = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await using room = await openImagesRoom();
    const began = performance.now();
    expect((await room.pull("hello-world"))[0]).toEqual({ status: LINE("hello-world") });
    expect(performance.now() - began).toBeLessThan(5000);
    silent.close();
  });
});

// TCP: with client certificates, with TLS alone, and without; and sockets that a parent opened.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { selfCommand } from "../../src/base/self.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { makeAuthority, makeCertificate } from "../fixtures/certificates.ts";
import { makeFolder, requestOn, startDaemon, waitFor } from "../fixtures/daemon.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { openRaw, requestBytes, splitHead, textOf, UPGRADE } from "./raw.ts";

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(() => {
  folder = makeFolder();
  makeAuthority(folder, "ours");
  makeAuthority(folder, "theirs");
  makeCertificate(folder, "server", "ours", "serverAuth");
  makeCertificate(folder, "client", "ours", "clientAuth");
  makeCertificate(folder, "stranger", "theirs", "clientAuth");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

const tlsFlags = () => [
  "--tlscacert",
  file("ours.pem"),
  "--tlscert",
  file("server.pem"),
  "--tlskey",
  file("server-key.pem"),
];

async function ping(address: string, tls?: { cert?: string }): Promise<string> {
  const response = await fetch(`${address}/_ping`, {
    ...(tls
      ? {
          tls: {
            ca: readFileSync(file("ours.pem")),
            ...(tls.cert
              ? {
                  cert: readFileSync(file(`${tls.cert}.pem`)),
                  key: readFileSync(file(`${tls.cert}-key.pem`)),
                }
              : {}),
          },
        }
      : {}),
  });
  return response.text();
}

describe("TLS", () => {
  test("--tlsverify lets in who has a certificate of the authority, and nobody else", async () => {
    const port = await freePort();
    await using daemon = await startDaemon({
      bridge: "none",
      hosts: [`tcp://0.0.0.0:${port}`],
      args: ["--tlsverify", ...tlsFlags()],
    });
    const address = `https://localhost:${port}`;
    expect(await ping(address, { cert: "client" })).toBe("OK");
    expect(ping(address, { cert: "stranger" })).rejects.toThrow();
    expect(ping(address, {})).rejects.toThrow();
    expect(ping(`http://localhost:${port}`)).rejects.toThrow();
    expect((await daemon.request("GET", "/_ping")).text).toBe("OK");
  });

  test("--tls without verification lets anybody in, on loopback alone", async () => {
    const port = await freePort();
    await using daemon = await startDaemon({
      bridge: "none",
      hosts: [`tcp://127.0.0.1:${port}`],
      args: ["--tlsverify=false", ...tlsFlags()],
    });
    expect(await ping(`https://localhost:${port}`, {})).toBe("OK");
    expect(daemon.logs()).toContain("Binding to IP address without --tlsverify is insecure");
  });

  test("a hijacked connection goes through it, both ways", async () => {
    const port = await freePort();
    await using daemon = await startDaemon({
      bridge: "none",
      hosts: [`tcp://127.0.0.1:${port}`],
      args: ["--tlsverify", ...tlsFlags()],
    });
    const image = await importBusybox(daemon);
    const { Id } = (
      await daemon.request("POST", "/containers/create", {
        body: {
          Image: image,
          Cmd: ["sh", "-c", "read a; echo $a; read b; echo $b"],
          OpenStdin: true,
          StdinOnce: true,
          HostConfig: { NetworkMode: "none" },
        },
      })
    ).json<{ Id: string }>();
    const socket = connect({
      port,
      host: "localhost",
      ca: readFileSync(file("ours.pem")),
      cert: readFileSync(file("client.pem")),
      key: readFileSync(file("client-key.pem")),
    });
    const parts: Uint8Array[] = [];
    socket.on("data", (part) => parts.push(Buffer.from(part)));
    const ended = new Promise((resolve) => socket.on("close", resolve));
    socket.write(
      requestBytes("POST", `/containers/${Id}/attach?stream=1&stdin=1&stdout=1`, { headers: UPGRADE }),
    );
    await waitFor(() => parts.length > 0, "the head");
    await daemon.request("POST", `/containers/${Id}/start`);
    socket.write("one\n");
    await waitFor(() => Buffer.concat(parts).includes("one\n"), "the first line");
    socket.write("two\n");
    await ended;
    expect(textOf(splitHead(Buffer.concat(parts)).rest, 1)).toBe("one\ntwo\n");
  });

  test.each([
    [
      "a certificate that isn't there",
      ["--tlscert", "/nonexistent.pem"],
      "invalid TLS configuration: could not read certificate",
    ],
    ["a key that is none", ["--tlskey", "/etc/passwd"], "invalid TLS configuration"],
  ])("%s stops the start", async (_name, flags, words) => {
    using scratch = temporaryFolder();
    const roots = scratch.path;
    const child = Bun.spawn(
      selfCommand(
        "daemon",
        "--data-root",
        join(roots, "d"),
        "--exec-root",
        join(roots, "e"),
        "--bridge",
        "none",
        "-H",
        `tcp://127.0.0.1:${await freePort()}`,
        "--tlsverify",
        ...tlsFlags(),
        ...flags,
      ),
      { stderr: "pipe", stdout: "ignore", stdin: "ignore" },
    );
    expect(await new Response(child.stderr).text()).toContain(words);
    expect(await child.exited).toBe(1);
  });
});

describe("plain TCP", () => {
  test("loopback is served, with a warning", async () => {
    const port = await freePort();
    await using daemon = await startDaemon({ bridge: "none", hosts: [`tcp://127.0.0.1:${port}`] });
    expect(await ping(`http://127.0.0.1:${port}`)).toBe("OK");
    expect(daemon.logs()).toContain(`host=tcp://127.0.0.1:${port}`);
  });

  test("all addresses when it is asked for by name", async () => {
    const port = await freePort();
    await using daemon = await startDaemon({
      bridge: "none",
      hosts: [`tcp://0.0.0.0:${port}`],
      args: ["--allow-insecure-tcp"],
    });
    expect(await ping(`http://127.0.0.1:${port}`)).toBe("OK");
    expect(daemon.pid).toBeGreaterThan(0);
  });
});

describe("socket activation", () => {
  /** A parent as systemd: listens, and hands descriptor 3 to the daemon that it becomes. Needs no more than perl's core. */
  const PARENT = `
use strict; use Socket; use POSIX ();
my $path = shift @ARGV;
socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die $!;
bind($s, pack_sockaddr_un($path)) or die $!;
listen($s, 16) or die $!;
POSIX::dup2(fileno($s), 3) == 3 or die $!;
$^F = 10; # descriptors up to this one survive exec
open(my $keep, "<&=", 3) or die $!;
$ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$;
exec { $ARGV[0] } @ARGV or die $!;
`;

  test("-H fd:// serves the parent's socket, hijacked connections included", async () => {
    using scratch = temporaryFolder();
    const roots = scratch.path;
    const path = join(roots, "activated.sock");
    const child = Bun.spawn(
      [
        "perl",
        "-e",
        PARENT,
        path,
        ...selfCommand(
          "daemon",
          "--data-root",
          join(roots, "d"),
          "--exec-root",
          join(roots, "e"),
          "--bridge",
          "none",
          "-H",
          "fd://",
        ),
      ],
      { stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(roots, "log")) },
    );
    const request: typeof requestOn = (_path, ...rest) => requestOn(path, ...rest);
    try {
      await waitFor(
        async () => (await request(path, "GET", "/version").catch(() => undefined))?.status === 200,
        "the daemon",
        () => readFileSync(join(roots, "log"), "utf8"),
      );
      const image = await importBusybox({ request: (...args) => requestOn(path, ...args) });
      const { Id } = (
        await requestOn(path, "POST", "/containers/create", {
          body: { Image: image, Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "none" } },
        })
      ).json<{ Id: string }>();
      await requestOn(path, "POST", `/containers/${Id}/start`);
      const { Id: exec } = (
        await requestOn(path, "POST", `/containers/${Id}/exec`, {
          body: { Cmd: ["cat"], AttachStdin: true, AttachStdout: true },
        })
      ).json<{ Id: string }>();
      using raw = openRaw(path);
      raw.send(
        `${requestBytes("POST", `/exec/${exec}/start`, { body: { Detach: false }, headers: UPGRADE })}early\n`,
      );
      await raw.until((data) => data.includes("early\n"));
      raw.send("late\n");
      raw.halfClose();
      expect(textOf(splitHead(await raw.ended()).rest, 1)).toBe("early\nlate\n");
      await requestOn(path, "DELETE", `/containers/${Id}?force=1`);
    } finally {
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    }
  });

  test("without a parent's sockets it is refused", async () => {
    using scratch = temporaryFolder();
    const roots = scratch.path;
    const child = Bun.spawn(
      selfCommand(
        "daemon",
        "--data-root",
        join(roots, "d"),
        "--exec-root",
        join(roots, "e"),
        "--bridge",
        "none",
        "-H",
        "fd://",
      ),
      {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
        env: { ...process.env, LISTEN_FDS: "1", LISTEN_PID: "1" },
      },
    );
    expect(await new Response(child.stderr).text()).toContain(
      "no sockets found via socket activation: make sure the service was started by systemd",
    );
    expect(await child.exited).toBe(1);
  });
});

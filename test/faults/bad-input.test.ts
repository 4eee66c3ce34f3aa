// Bad input from a client's command line: a clear text, the right status, and nothing left behind.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf, dockerBinary } from "../clients/client.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { layerTar, makeImage, makeIndex, noise } from "../fixtures/image.ts";
import { startLyingRegistry } from "../fixtures/lying-registry.ts";
import { freePort, startRegistry } from "../fixtures/registry.ts";
import {
  expectSame,
  inventory,
  leavingNothing,
  settled,
  startWatchedDaemon,
  type WatchedDaemon,
} from "./inventory.ts";

let daemon: WatchedDaemon;
const clients: Client[] = [];

beforeAll(async () => {
  daemon = await startWatchedDaemon();
  await importBusybox(daemon);
  const config = join(daemon.folder, "client");
  clients.push(clientOf("berth", berthBinary(daemon.folder), daemon.host, config));
  const docker = dockerBinary();
  if (docker) clients.push(clientOf("docker", docker, daemon.host, config));
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** Each client in turn is refused with that status and text, and leaves nothing. */
async function refused(code: number, text: RegExp, ...args: string[]): Promise<void> {
  for (const client of clients) {
    const result = await leavingNothing(daemon, () => client.run(...args));
    expect({ client: client.name, code: result.code, text: result.stderr }).toEqual({
      client: client.name,
      code,
      text: expect.stringMatching(text),
    });
  }
}

const run = (...options: string[]) => ["run", "--rm", ...options];
const T = BUSYBOX;

test("the inventory sees what a running container has", async () => {
  const before = await settled(daemon);
  const { Id } = (
    await daemon.request("POST", "/containers/create", {
      body: {
        Image: T,
        Cmd: ["sleep", "60"],
        HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } },
      },
    })
  ).json<{ Id: string }>();
  const created = inventory(daemon);
  expect({
    files: created.files.length > before.files.length,
    rows: created.rows.length > before.rows.length,
  }).toEqual({
    files: true,
    rows: true,
  });
  await daemon.request("POST", `/containers/${Id}/start`);
  const now = inventory(daemon);
  for (const part of ["mounts", "devices", "processes", "cgroups"] as const)
    expect({ part, more: now[part].length > before[part].length }).toEqual({ part, more: true });
  expect(now.rules).not.toEqual(before.rules);
  await daemon.request("DELETE", `/containers/${Id}?force=1`);
  await expectSame(daemon, before);
});

describe("images", () => {
  test("an unknown image", async () => {
    await using registry = await startRegistry();
    const name = `${registry.host}/no/such:1`;
    await refused(1, /failed to resolve reference|not found/, "pull", name);
    await refused(125, new RegExp(`Unable to find image '${name}' locally[\\s\\S]*not found`), ...run(name));
    await refused(1, /No such image: nosuch:latest/, "rmi", "nosuch");
    await refused(1, /No such (image|object)/, "inspect", "nosuch");
  });

  test("a registry that can't be reached", async () => {
    const name = `127.0.0.1:${freePort()}/x:1`;
    await refused(1, /dial tcp 127\.0\.0\.1:\d+: connect: connection refused/, "pull", name);
    await refused(125, /connection refused/, ...run(name));
    await refused(1, /no such host/, "pull", "registry.invalid/x:1");
  });

  test("a wrong digest from a registry that lies", async () => {
    const image = makeImage({
      layers: [{ files: { a: noise(1 << 16, 3) } }, { files: { b: noise(1 << 16, 4) } }],
    });
    const layer = image.layers[1];
    const size = layer?.size ?? 0;
    await using registry = await startLyingRegistry(image, "1", ({ url }, response) => {
      if (!url?.endsWith(layer?.digest ?? "?")) return false;
      response.end(noise(size, 9));
      return true;
    });
    const lie = /unexpected digest of content: got sha256:[a-f0-9]{64}, expected sha256:/;
    await refused(1, lie, "pull", `${registry.host}/x:1`);
    await refused(125, lie, ...run(`${registry.host}/x:1`));
  });

  test("an image for another platform", async () => {
    await using registry = await startRegistry();
    const platform = { os: "linux", architecture: "s390x" };
    const image = makeIndex([{ image: makeImage({ platform }), platform }]);
    await registry.push(image, "other", "1");
    const name = `${registry.host}/other:1`;
    await refused(1, /no matching manifest for linux\/amd64/, "pull", name);
    await refused(125, /no matching manifest for linux\/amd64/, ...run(name));
    await refused(
      125,
      /no matching manifest|does not provide the specified platform|connection refused|no such host/,
      ...run("--platform", "linux/s390x", T),
    );
  });

  test("archives that are cut or no archives", async () => {
    const tar = layerTar({ "a/": "", "a/b": noise(1 << 16, 5) });
    for (const client of clients) {
      for (const [what, bytes] of [
        ["cut", tar.subarray(0, 20_000)],
        ["noise", noise(20_000, 6)],
        ["few bytes", tar.subarray(0, 100)],
      ] as const) {
        for (const args of [["load"], ["import", "-", "cut:1"]]) {
          const result = await leavingNothing(daemon, () => client.feed(bytes, ...args));
          expect({ what, args, code: result.code }).toEqual({ what, args, code: 1 });
          expect(result.stderr).toMatch(/truncated|damaged|unexpected EOF|no tar/);
        }
      }
    }
  });

  test("an image that was saved, cut in its middle", async () => {
    const saved = new Uint8Array(
      await (await fetch(`http://d/images/get?names=${T}`, { unix: daemon.socket })).arrayBuffer(),
    );
    for (const client of clients)
      for (const at of [600, saved.length >> 1, saved.length - 2000]) {
        const result = await leavingNothing(daemon, () => client.feed(saved.subarray(0, at), "load"));
        expect({ at, code: result.code }).toEqual({ at, code: 1 });
        expect(result.stderr).toMatch(/truncated|unrecognized image format/);
      }
  });
});

describe("commands", () => {
  test.each([
    [127, /exec: "nosuch": executable file not found in \$PATH/, ["nosuch"]],
    [127, /stat \/no\/such: no such file or directory/, ["/no/such"]],
    [126, /exec: "\/etc\/passwd": permission denied/, ["/etc/passwd"]],
    [126, /permission denied|is a directory/, ["/etc"]],
  ] as const)("%i for %p", async (code, text, command) => {
    await refused(code, text, ...run(T, ...command));
    // Without --rm the container stays, and says why; it takes nothing of the host.
    for (const client of clients) {
      const before = await settled(daemon);
      const name = `faulty-${client.name}`;
      await client.run("run", "-d", "--name", name, "-p", "0:80", T, ...command);
      expect(await client.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name)).toBe(
        `created ${code}`,
      );
      await expectSame(daemon, before, { parts: ["mounts", "devices", "rules", "processes", "cgroups"] });
      await client.ok("rm", name);
      await expectSame(daemon, before);
    }
  });

  test("an exec of what isn't there", async () => {
    const before = await settled(daemon);
    const [client] = clients;
    const id = (await client?.ok("run", "-d", T, "sleep", "60")) ?? "";
    for (const each of clients)
      for (const [code, text, args] of [
        [127, /executable file not found in \$PATH/, [id, "nosuch"]],
        [126, /permission denied/, [id, "/etc/passwd"]],
        [1, /unable to find user nosuch/, ["-u", "nosuch", id, "true"]],
      ] as const) {
        const result = await each.run("exec", ...args);
        expect({ args, code: result.code }).toEqual({ args, code });
        expect(result.stdout + result.stderr).toMatch(text);
      }
    // As in Docker, an exec can be inspected after its end, as long as its container is there.
    await client?.ok("rm", "-f", id);
    await expectSame(daemon, before);
  });
});

describe("what is taken", () => {
  test("a name", async () => {
    const { Id } = (
      await daemon.request("POST", "/containers/create?name=taken", { body: { Image: T } })
    ).json<{ Id: string }>();
    await refused(
      125,
      new RegExp(`Conflict. The container name "/taken" is already in use by container "${Id}"`),
      ...run("--name", "taken", T),
    );
    await refused(1, /already in use by container/, "create", "--name", "taken", T);
    await daemon.request("DELETE", "/containers/taken");
  });

  test("a port that another container has", async () => {
    const port = freePort();
    const [client] = clients;
    const id = (await client?.ok("run", "-d", "-p", `${port}:80`, T, "sleep", "60")) ?? "";
    await refused(
      125,
      /Bind for 0\.0\.0\.0:\d+ failed: port is already allocated/,
      ...run("-p", `${port}:80`, T),
    );
    await refused(125, /port is already allocated/, ...run("-p", `127.0.0.1:${port}:80`, T));
    await client?.ok("rm", "-f", id);
    expect(await client?.ok("run", "--rm", "-p", `${port}:80`, T, "echo", "free")).toBe("free");
  });

  test.each(["0.0.0.0", "127.0.0.1"])("a port that a process of the host has, on %s", async (address) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, address, resolve));
    try {
      const { port } = holder.address() as { port: number };
      await refused(
        125,
        /failed to bind host port for .*address already in use/,
        ...run("-p", `${port}:80`, T),
      );
    } finally {
      holder.close();
    }
  });
});

describe("options", () => {
  test.each([
    ["-v /a:/b:bad", /invalid mode: bad/],
    ["-v a/b:/c", /includes invalid characters for a local volume name/],
    ["-v /a:b", /mount path must be absolute/],
    ["-v /a:/", /destination can't be '\/'/],
    ["-v named:/x:ro:rw", /invalid/],
    ["--mount type=bind,src=/no/such,dst=/x", /bind source path does not exist: \/no\/such/],
    ["--mount type=foo,dst=/x", /mount type unknown/],
    ["--mount type=volume,src=v,dst=x", /mount path must be absolute/],
    ["-p 99999:80", /invalid hostPort: 99999/],
    ["-p 80:80:80:80", /invalid IP address: 80:80/],
    ["-p x:80", /invalid hostPort: x/],
    ["-p 10-12:80-81", /invalid ranges specified for container and host Ports/],
    ["-p 1.2.3.4:1:80", /cannot assign requested address/],
    ["-e =x", /invalid environment variable: =x/],
    ["--env-file /no/such", /no such file or directory/],
    ["--memory lots", /invalid size: 'lots'/],
    ["--memory 1m", /Minimum memory limit allowed is 6MB/],
    ["--memory 10m --memory-swap 5m", /Minimum memoryswap limit should be larger than memory limit/],
    ["--memory-swap 5m", /set the Memory limit when using|You should always set the Memory limit/],
    ["--cpus 1000", /range of CPUs is from 0\.01 to/],
    ["--cpuset-cpus 999", /Requested CPUs are not available/],
    ["--name a/b", /Invalid container name \(a\/b\)/],
    ["--network nosuch", /network nosuch not found/],
    ["--device /dev/nosuch", /error gathering device information/],
    ["--cap-add NOSUCH", /unknown capability: "CAP_NOSUCH"/],
    ["--runtime nosuch", /unknown or invalid runtime name: nosuch/],
    ["--log-driver nosuch", /error looking up logging plugin nosuch/],
    ["--user nosuch", /unable to find user nosuch/],
    ["-w /etc/passwd", /Cannot mkdir: \/etc\/passwd is not a directory/],
    ["--security-opt seccomp=/no/such", /opening seccomp profile \(\/no\/such\) failed/],
    ["--tmpfs /x:foo=bar", /invalid tmpfs option "foo"/],
    ["--pid container:nosuch", /No such container: nosuch/],
    ["--volumes-from nosuch", /No such container: nosuch/],
  ])("run %s", async (options, text) => {
    // A device that isn't there ends as a program that isn't there does, as with Docker.
    const code = options.startsWith("--device") ? 127 : 125;
    await refused(code, text, ...run(...options.split(" "), T, "true"));
  });
});

describe("a NUL byte", () => {
  const NUL = "a\0b";
  const nul = (what: string) => new RegExp(`^invalid ${what} .*: contains nul byte \\(\\\\x00\\)$`);

  test.each([
    ["environment variable", { Env: ["A=x", `B=${NUL}`] }],
    ["environment variable", { Env: [NUL] }],
    ["hostname", { Hostname: NUL }],
    ["domainname", { Domainname: NUL }],
    ["user", { User: NUL }],
    ["working directory", { WorkingDir: `/${NUL}` }],
    ["command", { Cmd: ["true", NUL] }],
    ["command", { Entrypoint: [NUL] }],
    ["health check", { Healthcheck: { Test: ["CMD", NUL] } }],
    ["volume path", { Volumes: { [`/${NUL}`]: {} } }],
    ["bind", { HostConfig: { Binds: [`/tmp:/${NUL}`] } }],
    ["bind", { HostConfig: { Binds: [`/${NUL}:/x`] } }],
    ["mount path", { HostConfig: { Mounts: [{ Type: "bind", Source: `/${NUL}`, Target: "/x" }] } }],
    ["mount path", { HostConfig: { Mounts: [{ Type: "tmpfs", Target: `/${NUL}` }] } }],
    ["tmpfs path", { HostConfig: { Tmpfs: { [`/${NUL}`]: "" } } }],
    ["tmpfs options", { HostConfig: { Tmpfs: { "/x": `size=1m${NUL}` } } }],
    ["sysctl", { HostConfig: { Sysctls: { "net.ipv4.ip_forward": NUL } } }],
    ["extra host", { HostConfig: { ExtraHosts: [`${NUL}:1.2.3.4`] } }],
    ["device path", { HostConfig: { Devices: [{ PathOnHost: `/dev/${NUL}`, PathInContainer: "/dev/x" }] } }],
    ["cgroup parent", { HostConfig: { CgroupParent: `/${NUL}` } }],
  ])("in the %s of create: %p", async (what, more) => {
    const answer = await leavingNothing(daemon, () =>
      daemon.request("POST", "/containers/create", { body: { Image: T, Cmd: ["true"], ...more } }),
    );
    expect({ status: answer.status, ...answer.json<{ message: string }>() }).toEqual({
      status: 400,
      message: expect.stringMatching(nul(what)),
    });
  });

  test("in an exec", async () => {
    const body = { Image: T, Cmd: ["sleep", "60"], Labels: { a: NUL } };
    const { Id } = (await daemon.request("POST", "/containers/create", { body })).json<{ Id: string }>();
    expect((await daemon.request("POST", `/containers/${Id}/start`)).status).toBe(204);
    for (const [what, more] of [
      ["environment variable", { Env: [`B=${NUL}`] }],
      ["command", { Cmd: ["true", NUL] }],
      ["user", { User: NUL }],
      ["working directory", { WorkingDir: `/${NUL}` }],
    ] as const) {
      const answer = await daemon.request("POST", `/containers/${Id}/exec`, {
        body: { Cmd: ["true"], ...more },
      });
      expect({ status: answer.status, ...answer.json<{ message: string }>() }).toEqual({
        status: 400,
        message: expect.stringMatching(nul(what)),
      });
    }
    expect((await daemon.request("DELETE", `/containers/${Id}?force=1`)).status).toBe(204);
  });
});

// What config.json says of how the client works: formats, detach keys, proxies, headers.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Client, clientOf } from "../clients/client.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
let client: Client;
let berth: string;
let config: string;

beforeAll(async () => {
  daemon = await startDaemon();
  config = join(daemon.folder, "client");
  mkdirSync(config);
  berth = berthBinary(config);
  client = clientOf("berth", berth, daemon.host, config);
  await client.ok("pull", "busybox");
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const write = (settings: object) => writeFileSync(join(config, "config.json"), JSON.stringify(settings));

test("formats of lists, which a flag overrides", async () => {
  await client.ok("run", "-d", "--name", "listed", "busybox", "sleep", "1000");
  await client.ok("volume", "create", "vault");
  write({
    psFormat: "{{.Names}}!",
    imagesFormat: "table {{.Repository}}",
    statsFormat: "{{.Name}}?",
    volumesFormat: "{{.Name}}#",
    networksFormat: "{{.Driver}}",
  });
  expect(await client.ok("ps")).toBe("listed!");
  expect(await client.ok("ps", "-q")).toMatch(/^[0-9a-f]{12}$/);
  expect(await client.ok("ps", "--format", "table")).toStartWith("CONTAINER ID");
  expect(await client.ok("images")).toBe("REPOSITORY\nbusybox");
  expect(await client.ok("stats", "--no-stream")).toBe("listed?");
  expect(await client.ok("volume", "ls")).toBe("vault#");
  expect((await client.ok("network", "ls")).split("\n").sort()).toEqual(["bridge", "host", "null"]);
  await client.ok("rm", "-f", "listed");
});

test("proxies for containers: this daemon's before the default, and the command line's own before both", async () => {
  write({
    proxies: {
      default: { httpProxy: "http://default:1", noProxy: "a,b" },
      "unix:///elsewhere.sock": { httpProxy: "http://elsewhere:1" },
    },
  });
  const env = async (...flags: string[]) =>
    (await client.ok("run", "--rm", ...flags, "busybox", "env"))
      .split("\n")
      .filter((line) => /proxy/i.test(line))
      .sort();
  expect(await env()).toEqual([
    "HTTP_PROXY=http://default:1",
    "NO_PROXY=a,b",
    "http_proxy=http://default:1",
    "no_proxy=a,b",
  ]);
  expect(await env("-e", "HTTP_PROXY=http://mine", "-e", "NO_PROXY")).toEqual([
    "HTTP_PROXY=http://mine",
    "http_proxy=http://default:1",
    "no_proxy=a,b",
  ]);
  write({
    proxies: { default: { httpProxy: "http://default:1" }, [daemon.host]: { ftpProxy: "ftp://here" } },
  });
  expect(await env()).toEqual(["FTP_PROXY=ftp://here", "ftp_proxy=ftp://here"]);
});

test("detach keys, in run and exec", async () => {
  write({ detachKeys: "ctrl-a,x" });
  await using run = client.terminal("run", "-it", "--name", "keys", "busybox", "sh");
  await run.until(/# /);
  run.type("\x01x");
  expect(await run.exited).toBe(0);
  await using exec = client.terminal("exec", "-it", "keys", "sh");
  await exec.until(/# /);
  exec.type("\x01x");
  await exec.until(/read escape sequence/);
  expect(await exec.exited).toBe(1);
  await client.ok("rm", "-f", "keys");
});

test("headers of one's own go with every request, but not who we are", async () => {
  write({ HttpHeaders: { "X-Mine": "yes", "User-Agent": "somebody" } });
  const seen: { path: string; mine: string | null; agent: string | null }[] = [];
  const socket = join(daemon.folder, "headers.sock");
  const server = Bun.serve({
    unix: socket,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const { headers } = request;
      seen.push({ path: pathname, mine: headers.get("x-mine"), agent: headers.get("user-agent") });
      return Response.json([], { headers: { "Api-Version": "1.51" } });
    },
  });
  await clientOf("berth", berth, `unix://${socket}`, config).ok("ps");
  await server.stop(true);
  expect(seen.map(({ path }) => path)).toEqual(["/_ping", "/v1.51/containers/json"]);
  for (const { mine, agent } of seen) {
    expect(mine).toBe("yes");
    expect(agent).not.toBe("somebody");
  }
});

test("a broken file is a warning, and what can be read of it holds", async () => {
  writeFileSync(join(config, "config.json"), '{"psFormat": "{{.ID}}", "detachKeys": 3}');
  const result = await client.run("ps");
  expect(result).toEqual({
    code: 0,
    stdout: "",
    stderr: `WARNING: Error parsing config file (${config}/config.json): json: cannot unmarshal number into Go struct field ConfigFile.detachKeys of type string\n`,
  });
  writeFileSync(join(config, "config.json"), "{");
  expect((await client.run("ps")).stderr).toBe(
    `WARNING: Error parsing config file (${config}/config.json): unexpected EOF\n`,
  );
});

test("the API's socket in a container, with what the person has to log in", async () => {
  write({ auths: { "registry.example": { auth: Buffer.from("me:secret").toString("base64") } } });
  const script =
    "ls -l /var/run/docker.sock | cut -c1; cat $DOCKER_CONFIG/config.json; stat -c %a $DOCKER_CONFIG/config.json";
  const said = await client.ok("run", "--rm", "--use-api-socket", "busybox", "sh", "-c", script);
  expect(said).toStartWith("s\n");
  expect(said).toEndWith("}600");
  expect(JSON.parse(said.slice(said.indexOf("{"), said.lastIndexOf("}") + 1))).toEqual({
    auths: { "registry.example": { auth: Buffer.from("me:secret").toString("base64") } },
  });
});

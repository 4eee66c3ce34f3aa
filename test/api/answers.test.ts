// What the daemon answers over the wire: headers, errors in Docker's words, and shapes on both sides of a version.
// Statuses and texts were compared with Docker 28.5; where ours differ on purpose, the case says why.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({ bridge: "none" });
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const COMMON = {
  "api-version": "1.51",
  "docker-experimental": "false",
  ostype: "linux",
  server: "Docker/28.5.2 (linux)",
};
const headersOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => !["date", "connection"].includes(name)));

describe("headers", () => {
  const PING = {
    ...COMMON,
    "builder-version": "2",
    "cache-control": "no-cache, no-store, must-revalidate",
    pragma: "no-cache",
    swarm: "inactive",
    "content-type": "text/plain; charset=utf-8",
  };
  test.each([
    ["GET", "/_ping", 200, "OK", { ...PING, "content-length": "2" }],
    ["GET", "/v1.24/_ping", 200, "OK", { ...PING, "content-length": "2" }],
    ["HEAD", "/v1.51/_ping", 200, "", { ...PING, "content-length": "0" }],
    ["OPTIONS", "/anything/at/all", 200, "", { ...COMMON, "content-length": "0" }],
    [
      "GET",
      "/nowhere",
      404,
      '{"message":"page not found"}\n',
      { "content-type": "application/json", "content-length": "29" },
    ],
    [
      "GET",
      "/v1.99/nowhere",
      404,
      '{"message":"page not found"}\n',
      { "content-type": "application/json", "content-length": "29" },
    ],
    ["GET", "/containers//json?x=1", 301, "", { location: "/containers/json?x=1", "content-length": "0" }],
    [
      "GET",
      "/containers/nobody/json",
      404,
      '{"message":"No such container: nobody"}\n',
      { ...COMMON, "content-type": "application/json", "content-length": "40" },
    ],
  ])("%s %s", async (method, path, status, text, headers) => {
    const answer = await daemon.request(method, path);
    expect([answer.status, answer.text, headersOf(answer.headers)]).toEqual([status, text, headers]);
  });

  test("what is wrong with an archive to load comes after a head that says 200", async () => {
    const answer = await daemon.request("POST", "/images/load", { body: "" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      errorDetail: { message: "unrecognized image format" },
      error: "unrecognized image format",
    });
  });

  test("too new is JSON, too old for that is plain text", async () => {
    const newer = await daemon.request("GET", "/v1.52/version");
    expect([newer.status, newer.json()]).toEqual([
      400,
      { message: "client version 1.52 is too new. Maximum supported API version is 1.51" },
    ]);
    const older = await daemon.request("GET", "/v1.23/version");
    expect([older.status, older.text, older.headers.get("content-type")]).toEqual([
      400,
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n",
      "text/plain; charset=utf-8",
    ]);
  });
});

const filter = (value: unknown) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
const UNKNOWN = filter({ nonsense: ["x"] });

describe("errors", () => {
  test.each([
    // Nobody of that name.
    ...["json", "top", "logs?stdout=1"].map(
      (verb) => ["GET", `/containers/nobody/${verb}`, undefined, 404, "No such container: nobody"] as const,
    ),
    ...["start", "stop", "restart", "pause", "unpause", "wait", "rename?name=x", "resize?h=1&w=1"].map(
      (verb) => ["POST", `/containers/nobody/${verb}`, undefined, 404, "No such container: nobody"] as const,
    ),
    [
      "POST",
      "/containers/nobody/kill",
      undefined,
      404,
      "cannot kill container: nobody: No such container: nobody",
    ],
    ["DELETE", "/containers/nobody", undefined, 404, "No such container: nobody"],
    ["POST", "/containers/nobody/exec", { Cmd: ["a"] }, 404, "No such container: nobody"],
    ["GET", "/exec/nobody/json", undefined, 404, "No such exec instance: nobody"],
    ["POST", "/exec/nobody/start", {}, 404, "No such exec instance: nobody"],
    ["POST", "/exec/nobody/resize?h=1&w=1", undefined, 404, "No such exec instance: nobody"],
    ["POST", "/containers/create", { Image: "nobody:1" }, 404, "No such image: nobody:1"],
    ["GET", "/images/nobody/json", undefined, 404, "No such image: nobody:latest"],
    ["GET", "/images/nobody/history", undefined, 404, "No such image: nobody:latest"],
    ["GET", "/images/nobody/get", undefined, 404, "No such image: nobody:latest"],
    ["DELETE", "/images/nobody", undefined, 404, "No such image: nobody:latest"],
    ["POST", "/images/nobody/tag?repo=a", undefined, 404, "No such image: nobody:latest"],
    ["GET", "/volumes/nobody", undefined, 404, "get nobody: no such volume"],
    ["DELETE", "/volumes/nobody", undefined, 404, "get nobody: no such volume"],
    ["GET", "/networks/nobody", undefined, 404, "network nobody not found"],
    ["GET", "/plugins/nobody/json", undefined, 404, 'plugin "nobody" not found'],
    // Parameters that make no sense.
    ["GET", "/containers/json?limit=x", undefined, 400, 'strconv.Atoi: parsing "x": invalid syntax'], // moby: 500
    ["GET", "/containers/json?filters=x", undefined, 400, "invalid filter"],
    ["GET", `/containers/json?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["GET", `/images/json?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["GET", `/volumes?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["GET", "/volumes?filters=x", undefined, 400, "error reading volume filters: invalid filter"],
    ["GET", `/networks?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["GET", `/networks?${filter({ type: ["x"] })}`, undefined, 400, "invalid filter: 'type'='x'"], // moby: 500
    ["POST", `/containers/prune?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["POST", `/images/prune?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["POST", `/volumes/prune?${UNKNOWN}`, undefined, 400, "invalid filter 'nonsense'"],
    ["GET", "/containers/nobody/logs", undefined, 400, "Bad parameters: you must choose at least one stream"],
    ["POST", "/containers/nobody/stop?t=x", undefined, 400, 'strconv.Atoi: parsing "x": invalid syntax'], // moby: 500
    ["POST", "/containers/nobody/wait?condition=x", undefined, 400, 'invalid condition: "x"'],
    ["POST", "/containers/nobody/rename", undefined, 400, "Neither old nor new names may be empty"],
    [
      "POST",
      "/containers/nobody/start",
      { Image: "x" },
      400,
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    ],
    ["POST", "/containers/nobody/resize", undefined, 400, 'invalid resize height "": invalid syntax'],
    [
      "POST",
      "/containers/nobody/resize?h=1&w=-1",
      undefined,
      400,
      'invalid resize width "-1": value out of range',
    ],
    [
      "POST",
      "/containers/nobody/resize?h=99999999999&w=1",
      undefined,
      400,
      'invalid resize height "99999999999": value out of range',
    ],
    ["POST", "/containers/nobody/exec", {}, 400, "No exec command specified"],
    ["POST", "/containers/create", {}, 400, "config cannot be empty in order to create a container"],
    [
      "POST",
      "/containers/create?name=!",
      { Image: BUSYBOX },
      400,
      "Invalid container name (!), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ],
    [
      "POST",
      "/containers/create?platform=x",
      { Image: BUSYBOX },
      400,
      '"x": unknown operating system or architecture: invalid argument',
    ],
    [
      "POST",
      "/images/create?fromImage=UPPER",
      undefined,
      400,
      "invalid reference format: repository name (library/UPPER) must be lowercase",
    ],
    ["POST", "/images/create?fromImage=a&tag=!", undefined, 400, "invalid tag format"],
    [
      "POST",
      "/images/create?fromImage=a&platform=x",
      undefined,
      400,
      '"x": unknown operating system or architecture: invalid argument',
    ],
    ["POST", "/images/create?fromImage=scratch", undefined, 403, "'scratch' is a reserved name"],
    [
      "POST",
      `/images/${BUSYBOX}/tag?repo=UP`,
      undefined,
      400,
      "invalid reference format: repository name (library/UP) must be lowercase",
    ],
    [
      "POST",
      `/images/${BUSYBOX}/tag?repo=sha256`,
      undefined,
      400,
      "refusing to create an ambiguous tag using digest algorithm as name",
    ],
    [
      "GET",
      `/images/${BUSYBOX}/json?platform=x`,
      undefined,
      400,
      "failed to parse platform: invalid character 'x' looking for beginning of value",
    ],
    [
      "GET",
      `/images/${BUSYBOX}/json?platform=${encodeURIComponent('{"os":"linux"}')}`,
      undefined,
      400,
      "both OS and Architecture must be provided",
    ],
    [
      "GET",
      `/images/${BUSYBOX}/json?platform=${encodeURIComponent('{"variant":"v8"}')}`,
      undefined,
      400,
      "optional platform fields provided, but OS and Architecture are missing",
    ],
    [
      "GET",
      `/images/${BUSYBOX}/json?manifests=1&platform=${encodeURIComponent('{"os":"linux","architecture":"amd64"}')}`,
      undefined,
      400,
      "conflicting options: manifests and platform options cannot both be set",
    ],
    [
      "GET",
      "/images/get?names=a&platform={}&platform={}",
      undefined,
      400,
      "multiple platform parameters not supported",
    ],
    ["DELETE", "/images/%20", undefined, 400, "image name cannot be blank"],
    ["GET", "/events?since=x", undefined, 400, 'strconv.ParseInt: parsing "x": invalid syntax'], // moby: 500
    ["GET", "/events?since=5&until=3", undefined, 400, "`since` time (5) cannot be after `until` time (3)"],
    ["GET", "/system/df?type=x", undefined, 400, "unknown object type: x"],
    ["POST", "/auth", undefined, 400, "EOF"], // moby: 500
    [
      "POST",
      "/volumes/create",
      { Name: "/" },
      400,
      "create /: volume name is too short, names should be at least two alphanumeric characters",
    ],
    [
      "POST",
      "/volumes/create",
      { Name: "v1", ClusterVolumeSpec: {} },
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    ],
    [
      "GET",
      "/networks/none?verbose=x",
      undefined,
      400,
      'invalid value for verbose: x: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    // Not built.
    ["POST", "/session", undefined, 400, "no upgrade protocol specified"],
    ["GET", "/swarm", undefined, 501, "SwarmInspect (GET /swarm) is not implemented in Berth"],
  ] as const)("%s %s %p", async (method, path, body, status, message) => {
    const answer = await daemon.request(method, path, { body });
    expect([answer.status, answer.json<{ message: string }>().message]).toEqual([status, message]);
  });

  test("of a container that is there, in each of its states", async () => {
    const { Id: id } = (
      await daemon.request("POST", "/containers/create?name=states", {
        body: {
          Image: BUSYBOX,
          Cmd: ["sleep", "1000"],
          StopSignal: "KILL",
          HostConfig: { NetworkMode: "none" },
        },
      })
    ).json<{ Id: string }>();
    const call = async (method: string, path: string, body?: unknown) => {
      const answer = await daemon.request(method, path, { body });
      return [answer.status, answer.text === "" ? "" : answer.json<{ message: string }>().message];
    };
    const post = (verb: string, body?: unknown) => call("POST", `/containers/states/${verb}`, body);
    const notRunning = `container ${id} is not running`;
    expect(await post("kill")).toEqual([409, `cannot kill container: states: ${notRunning}`]);
    expect(await post("stop")).toEqual([304, ""]);
    expect(await post("exec", { Cmd: ["a"] })).toEqual([409, notRunning]);
    expect(await post("start")).toEqual([204, ""]);
    expect(await post("start")).toEqual([304, ""]);
    expect(await post("start", {})).toEqual([304, ""]);
    expect(await post("kill?signal=NONE")).toEqual([
      400,
      "cannot kill container: states: invalid signal: NONE",
    ]);
    expect(await post("stop?signal=FOO")).toEqual([
      400,
      "cannot stop container: states: invalid signal: FOO",
    ]); // moby: 500
    expect(await post("unpause")).toEqual([500, `Container ${id} is not paused`]);
    expect(await post("rename?name=states")).toEqual([
      400,
      "Renaming a container with the same name as its current name",
    ]);
    expect(await post("rename?name=!")).toEqual([
      400,
      "Error when allocating new name: Invalid container name (/!), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ]);
    expect(await call("POST", "/containers/create?name=states", { Image: BUSYBOX })).toEqual([
      409,
      `Conflict. The container name "/states" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    ]);
    expect(await call("DELETE", "/containers/states")).toEqual([
      409,
      `cannot remove container "states": container is running: stop the container before removing or force remove`,
    ]);
    expect(await post("pause")).toEqual([204, ""]);
    expect(await post("exec", { Cmd: ["a"] })).toEqual([
      409,
      "Container states is paused, unpause the container before exec",
    ]);
    expect(await post("unpause")).toEqual([204, ""]);
    expect(await post("stop")).toEqual([204, ""]);
    expect(await call("DELETE", "/containers/states")).toEqual([204, ""]);
  });
});

describe("shapes on both sides of a version", () => {
  const get = async <T>(path: string): Promise<T> => (await daemon.request("GET", path)).json<T>();

  test("images", async () => {
    const list = async (version: string) =>
      (await get<Record<string, unknown>[]>(`/${version}/images/json`))[0] ?? {};
    const [at43, at44, at47, at48, at50, at51] = await Promise.all(
      ["v1.43", "v1.44", "v1.47", "v1.48", "v1.50", "v1.51"].map(list),
    );
    expect([at43?.VirtualSize === at43?.Size, "VirtualSize" in (at44 ?? {})]).toEqual([true, false]);
    expect(["Descriptor" in (at47 ?? {}), "Descriptor" in (at48 ?? {})]).toEqual([false, true]);
    expect([at50?.Containers, Number(at51?.Containers) >= 0]).toEqual([-1, true]);

    const inspect = (version: string) => get<{ Config: object }>(`/${version}/images/${BUSYBOX}/json`);
    expect("Hostname" in (await inspect("v1.49")).Config).toBe(true);
    expect("Hostname" in (await inspect("v1.50")).Config).toBe(false);
  });

  test("info", async () => {
    const info = (version: string) => get<Record<string, unknown>>(`/${version}/info`);
    const [at41, at42, at48, at49, at50] = await Promise.all(
      ["v1.41", "v1.42", "v1.48", "v1.49", "v1.50"].map(info),
    );
    expect(["KernelMemory" in (at41 ?? {}), "KernelMemory" in (at42 ?? {})]).toEqual([true, false]);
    const expected = (answer: Record<string, unknown> | undefined) =>
      "Expected" in ((answer?.RuncCommit as object | undefined) ?? {});
    expect([expected(at48), expected(at49)]).toEqual([true, false]);
    expect([at49?.BridgeNfIptables, at50?.BridgeNfIptables]).toEqual([false, undefined]);
  });

  test("what a newer request says is ignored before its version", async () => {
    const create = async (version: string) => {
      const made = await daemon.request("POST", `/${version}/containers/create`, {
        body: { Image: BUSYBOX, HostConfig: { NetworkMode: "none", Annotations: { a: "b" } } },
      });
      const { Id } = made.json<{ Id: string }>();
      const { HostConfig } = await get<{ HostConfig: { Annotations?: object; IpcMode: string } }>(
        `/containers/${Id}/json`,
      );
      await daemon.request("DELETE", `/containers/${Id}`);
      return HostConfig;
    };
    expect((await create("v1.42")).Annotations).toBeUndefined();
    expect((await create("v1.43")).Annotations).toEqual({ a: "b" });
    expect([(await create("v1.39")).IpcMode, (await create("v1.40")).IpcMode]).toEqual([
      "shareable",
      "private",
    ]);
  });
});

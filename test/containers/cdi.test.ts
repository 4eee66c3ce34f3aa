// Devices from CDI files in folders of the test's own: seen from inside containers, in `info`, and refused.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceRequest, SystemInfo } from "../../src/api/types/index.ts";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, makeFolder, startDaemon, waitFor } from "../fixtures/daemon.ts";

const folder = makeFolder();
const [early, late] = [join(folder, "early"), join(folder, "late")];
const touched = (name: string) => join(folder, name);
let daemon: Daemon;

beforeAll(async () => {
  for (const path of [early, late, touched("share")]) mkdirSync(path);
  writeFileSync(touched("share/file"), "the host's");
  daemon = await startDaemon({ config: { "cdi-spec-dirs": [early, late, join(folder, "absent")] } });
  await importBusybox(daemon);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, own: object) =>
  writeFileSync(path, JSON.stringify({ cdiVersion: "0.7.0", kind: "vendor.com/thing", ...own }));

/** Output of a container's program, or the refusal of its start. */
async function run(
  requests: DeviceRequest[],
  script: string,
  config: object = {},
): Promise<{ status: number; text: string }> {
  const created = await daemon.request("POST", "/containers/create", {
    body: {
      Image: BUSYBOX,
      Cmd: ["sh", "-c", script],
      Tty: true,
      ...config,
      HostConfig: { NetworkMode: "none", DeviceRequests: requests },
    },
  });
  const { Id } = created.json<{ Id: string }>();
  try {
    const started = await daemon.request("POST", `/containers/${Id}/start`);
    if (started.status !== 204)
      return { status: started.status, text: started.json<{ message: string }>().message };
    await daemon.request("POST", `/containers/${Id}/wait`);
    const logs = await daemon.request("GET", `/containers/${Id}/logs?stdout=1&stderr=1`);
    return { status: 204, text: logs.text.replaceAll("\r", "").trimEnd() };
  } finally {
    await daemon.request("DELETE", `/containers/${Id}?force=1`);
  }
}
const cdi = (...DeviceIDs: string[]): DeviceRequest[] => [{ Driver: "cdi", DeviceIDs }];
const info = async () => (await daemon.request("GET", "/info")).json<SystemInfo>();

test("all that a file says is in the container, its hooks run", async () => {
  write(join(early, "thing.json"), {
    containerEdits: { env: ["ALL=yes"] },
    devices: [
      {
        name: "one",
        containerEdits: {
          env: ["ONE=1", "PATH=/bin:/own"],
          deviceNodes: [
            { path: "/dev/mine", hostPath: "/dev/zero", permissions: "r", fileMode: 0o640, gid: 50 },
            { path: "/dev/given", type: "c", major: 1, minor: 3 },
          ],
          mounts: [
            { hostPath: touched("share"), containerPath: "/share", options: ["ro", "nosuid", "bind"] },
          ],
          additionalGids: [0, 4242],
        },
      },
      {
        name: "two",
        containerEdits: {
          env: ["TWO=2"],
          hooks: ["createRuntime", "poststop"].map((hookName) => ({
            hookName,
            path: "/bin/touch",
            args: ["touch", touched(hookName)],
          })),
        },
      },
    ],
  });
  const seen = await run(
    cdi("vendor.com/thing=one", "vendor.com/thing=two"),
    `echo $ALL $ONE $TWO $PATH; stat -c '%a %u:%g' /dev/mine; cat /share/file; echo
     echo x 2>/dev/null >/dev/mine || echo kept; echo x >/dev/given; touch /share/x 2>/dev/null || echo kept; id -G`,
    { User: "1000:1000" },
  );
  expect(seen.text.split("\n")).toEqual([
    "yes 1 2 /bin:/own",
    "640 0:50",
    "the host's",
    "kept",
    "kept",
    "1000 4242",
  ]);
  expect(existsSync(touched("createRuntime"))).toBe(true);
  // With the runtime's own removal, which no answer waits for.
  await waitFor(() => existsSync(touched("poststop")), "the poststop hook");
  expect((await info()).DiscoveredDevices).toEqual([
    { Source: "cdi", ID: "vendor.com/thing=one" },
    { Source: "cdi", ID: "vendor.com/thing=two" },
  ]);
  expect((await info()).CDISpecDirs).toEqual([early, late, join(folder, "absent")]);
});

test("a later folder wins, of two files in one folder neither does, and a wrong one is told of", async () => {
  const named = (value: string) => ({
    kind: "vendor.com/other",
    devices: [{ name: "x", containerEdits: { env: [`FROM=${value}`] } }],
  });
  write(join(early, "other.json"), named("early"));
  expect((await run(cdi("vendor.com/other=x"), "echo $FROM")).text).toBe("early");
  write(join(late, "other.json"), named("late"));
  expect((await run(cdi("vendor.com/other=x"), "echo $FROM")).text).toBe("late");
  write(join(late, "again.json"), named("again"));
  expect(await run(cdi("vendor.com/other=x", "vendor.com/none=y"), "true")).toEqual({
    status: 500,
    text: "CDI device injection failed: unresolvable CDI devices vendor.com/other=x, vendor.com/none=y",
  });
  write(join(late, "wrong.yaml"), { cdiVersion: "9" });
  const { Warnings = [] } = await info();
  const pair = `${JSON.stringify(join(late, "other.json"))}, ${JSON.stringify(join(late, "again.json"))}`;
  const conflict = `conflicting device "vendor.com/other=x" (specs ${pair})`;
  expect(Warnings.filter((text) => text.startsWith("CDI")).sort()).toEqual([
    `CDI: Error associated with spec file ${join(late, "again.json")}: ${conflict}`,
    `CDI: Error associated with spec file ${join(late, "other.json")}: ${conflict}`,
    `CDI: Error associated with spec file ${join(late, "wrong.yaml")}: failed to load CDI Spec invalid CDI Spec: invalid version "9"`,
  ]);
});

test.each([
  [cdi("vendor.com/bad=absent"), 500, /failed to stat CDI host device "\/dev\/no-such": no such file/],
  [cdi("vendor.com/bad=file"), 500, /failed to stat CDI host device "\/etc\/passwd": not a device node/],
  [cdi("vendor.com/bad=type"), 500, /CDI device \("\/dev\/x", "\/dev\/zero"\), host type mismatch \(b, c\)/],
  [cdi("vendor.com/bad=net"), 501, /can't move network devices \(netDevices\)/],
  [[{ Driver: "cdi", Count: 1, DeviceIDs: [] }], 400, /unexpected count in CDI device request/],
  [[{ Driver: "cdi", Options: { a: "b" } }], 400, /unexpected options in CDI device request/],
  [[{ Driver: "other" }], 400, /could not select device driver "other" with capabilities: \[\]/],
  [
    [{ Count: -1, Capabilities: [["gpu"]] }],
    400,
    /could not select device driver "" with capabilities: \[\[gpu\]\]/,
  ],
] as [DeviceRequest[], number, RegExp][])("%j is refused", async (requests, status, text) => {
  const node = (own: object) => ({ deviceNodes: [{ path: "/dev/x", ...own }] });
  write(join(early, "bad.json"), {
    cdiVersion: "1.1.0",
    kind: "vendor.com/bad",
    devices: [
      { name: "absent", containerEdits: node({ hostPath: "/dev/no-such" }) },
      { name: "file", containerEdits: node({ hostPath: "/etc/passwd" }) },
      { name: "type", containerEdits: node({ hostPath: "/dev/zero", type: "b" }) },
      { name: "net", containerEdits: { netDevices: [{ hostInterfaceName: "no-such0", name: "eth9" }] } },
    ],
  });
  expect(await run(requests, "true")).toEqual({ status, text: expect.stringMatching(text) });
});

test("--gpus takes the devices of the driver's kind", async () => {
  const gpu = (name: string) => ({ name, containerEdits: { env: [`GPU${name.toUpperCase()}=yes`] } });
  write(join(late, "gpus.json"), { kind: "nvidia.com/gpu", devices: ["0", "1", "all"].map(gpu) });
  const request = (own: object): DeviceRequest[] => [{ Capabilities: [["gpu"]], ...own }];
  const seen = async (requests: DeviceRequest[]) =>
    (await run(requests, "env | grep ^GPU | sort | xargs")).text;
  expect(await seen(request({ Count: -1 }))).toBe("GPUALL=yes");
  expect(await seen(request({ Count: 2 }))).toBe("GPU0=yes GPU1=yes");
  expect(await seen(request({ DeviceIDs: ["1"] }))).toBe("GPU1=yes");
  expect(await seen([{ Driver: "nvidia", DeviceIDs: ["nvidia.com/gpu=0"], Capabilities: [["gpu"]] }])).toBe(
    "GPU0=yes",
  );
  expect((await run(request({ Count: 3 }), "true")).text).toContain(
    "unresolvable CDI devices nvidia.com/gpu=2",
  );
  expect(await run(request({ Count: 1, DeviceIDs: ["0"] }), "true")).toEqual({
    status: 500,
    text: "cannot set both Count and DeviceIDs on device request",
  });
});

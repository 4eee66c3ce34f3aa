// Tables for the steps that the comparison with a peer (test/bundle) does not reach.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HostEnvironment } from "../../base/environment.ts";
import { parseMountInfo } from "../../linux/mount.ts";
import { CAPABILITIES, capabilityList, DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { parseDeviceRule } from "./devices.ts";
import { exactNumbers, toJson } from "./exact-json.ts";
import { cgroupV1Mounts, parseNumberList } from "./host-facts.ts";
import { mountOf } from "./host-mounts.ts";
import { appArmorProfile } from "./index.ts";
import { mergeImageConfig } from "./merge-image-config.ts";
import { tmpfsOptions } from "./mounts.ts";
import { environmentOf, mergeEnvironment } from "./process.ts";
import { parseSecurityOptions } from "./security-options.ts";
import { parseSignal } from "./signals.ts";
import { resolveUser } from "./user.ts";

describe("capabilities", () => {
  test("that the host can't give are refused, and ALL leaves them out", () => {
    const available = CAPABILITIES.filter((name) => name !== "CAP_SYS_RESOURCE");
    expect(() => capabilityList({ add: ["SYS_RESOURCE"] }, available)).toThrow(
      'capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
    );
    expect(capabilityList({ add: ["all"] }, available)).toEqual(available);
    expect(capabilityList({ privileged: true }, available)).toEqual(available);
  });

  test("ALL dropped and ALL added: the added win, less the names dropped", () => {
    expect(capabilityList({ add: ["ALL"], drop: ["ALL", "KILL"] }, CAPABILITIES)).toEqual(
      CAPABILITIES.filter((name) => name !== "CAP_KILL"),
    );
  });

  test("are never more than the default and what was added", () => {
    const names = fc.array(fc.constantFrom(...CAPABILITIES));
    fc.assert(
      fc.property(names, names, (add, drop) => {
        const list = capabilityList({ add, drop }, CAPABILITIES);
        expect(new Set(list).size).toBe(list.length);
        for (const name of list) expect([...DEFAULT_CAPABILITIES, ...add]).toContain(name);
        for (const name of add) expect(list).toContain(name);
        for (const name of drop) if (!add.includes(name)) expect(list).not.toContain(name);
      }),
    );
  });
});

describe("users", () => {
  const files = {
    passwd: "root:x:0:0::/root:/bin/sh\n\nfirst:x:7:70::/:\n7:x:8:80::/:\nbroken\n",
    group: "root:x:0:\ntwo:x:2:first,other\nthree:x:3:first\n3:x:30:\nall:x:9:root\n",
  };
  const cases: [spec: string, add: string[], uid: number, groups: number[]][] = [
    ["", [], 0, [0, 9]],
    ["root", [], 0, [0, 9]],
    ["first", [], 7, [70, 2, 3]],
    // A number is an id, though a user has it as a name.
    ["7", [], 7, [70, 2, 3]],
    ["first:three", [], 7, [3]],
    ["first:3", [], 7, [3]],
    ["12:34", [], 12, [34]],
    ["12", [], 12, [0]],
    ["first", ["all", "2", "77"], 7, [70, 2, 3, 9, 77]],
  ];
  for (const [spec, add, uid, groups] of cases)
    test(`"${spec}" with ${add.join(", ") || "no more groups"}`, () => {
      expect(resolveUser(spec, add, files).user).toEqual({
        uid,
        gid: groups[0] as number,
        additionalGids: groups,
      });
    });

  test("an image without the files has ids only", () => {
    const none = { passwd: "", group: "" };
    expect(resolveUser("5:6", [], none)).toEqual({
      user: { uid: 5, gid: 6, additionalGids: [6] },
      home: "/",
    });
    expect(() => resolveUser("name", [], none)).toThrow(
      "unable to find user name: no matching entries in passwd file",
    );
    expect(() => resolveUser("2147483648", [], none)).toThrow("uids and gids must be in range 0-2147483647");
  });

  test("any text is either resolved or refused, never half", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (spec, passwd, group) => {
        try {
          const { uid, gid } = resolveUser(spec, [], { passwd, group }).user;
          expect(Number.isInteger(uid) && Number.isInteger(gid)).toBe(true);
        } catch (error) {
          expect((error as Error).message).toMatch(/unable to find|must be in range/);
        }
      }),
    );
  });
});

describe("the environment", () => {
  test("replaces in place, appends, and takes away what has no value", () => {
    expect(mergeEnvironment(["A=1", "B=2"], ["B=3", "C=4", "A", "D"])).toEqual(["B=3", "C=4"]);
    expect(mergeEnvironment(["A=1"], ["A=", "A=x=y"])).toEqual(["A=x=y"]);
    expect(
      environmentOf({ Env: ["TERM=dumb"] }, { hostname: "h", terminal: true, home: "/", more: ["A=1"] }),
    ).toEqual([
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOSTNAME=h",
      "TERM=dumb",
      "A=1",
      "HOME=/",
    ]);
    const homes = (Env: string[], home?: string) =>
      environmentOf({ Env }, { hostname: "h", terminal: false, ...(home !== undefined && { home }) }).slice(
        2,
      );
    expect(homes(["HOME=/own", "A=1"], "/root")).toEqual(["HOME=/own", "A=1"]);
    expect(homes(["HOME=", "A=1"], "/root")).toEqual(["A=1", "HOME=/root"]);
    expect(homes(["HOME=", "A=1"])).toEqual(["HOME=", "A=1"]);
  });
});

describe("a container's settings over its image's", () => {
  const image = {
    Entrypoint: ["/entry"],
    Cmd: ["default"],
    Env: ["A=image", "B=image"],
    Labels: { one: "image", two: "image" },
    WorkingDir: "/image",
    User: "image",
    Volumes: { "/v": {} },
    ExposedPorts: { "80/tcp": {} },
    Healthcheck: { Test: ["CMD", "x"], Interval: 5, Retries: 3 },
  };
  const merge = (config: object) => mergeImageConfig(config, image as never);
  test("a command replaces the image's, its entrypoint stays", () => {
    expect(merge({ Cmd: ["mine"] })).toMatchObject({ Entrypoint: ["/entry"], Cmd: ["mine"] });
  });
  test("an entrypoint takes the image's command away", () => {
    expect(merge({ Entrypoint: ["/mine"] })).toMatchObject({ Entrypoint: ["/mine"], Cmd: undefined });
  });
  test("an empty entrypoint takes the image's away", () => {
    expect(merge({ Entrypoint: [""], Cmd: ["mine"] })).toMatchObject({
      Entrypoint: undefined,
      Cmd: ["mine"],
    });
    expect(() => merge({ Entrypoint: [""] })).toThrow("no command specified");
  });
  test("maps are joined, the container's entries win", () => {
    expect(merge({ Env: ["A=mine"], Labels: { one: "mine" }, Volumes: { "/w": {} } })).toMatchObject({
      Env: ["A=mine", "B=image"],
      Labels: { one: "mine", two: "image" },
      Volumes: { "/v": {}, "/w": {} },
      ExposedPorts: { "80/tcp": {} },
      WorkingDir: "/image",
      User: "image",
    });
  });
  test("a health check is filled in field by field", () => {
    expect(merge({ Healthcheck: { Interval: 9 } }).Healthcheck).toMatchObject({
      Test: ["CMD", "x"],
      Interval: 9,
      Retries: 3,
    });
  });
});

describe("options", () => {
  test("tmpfs: the later word wins, the rest is Docker's", () => {
    expect(tmpfsOptions(["exec", "size=1m", "size=2m", "defaults"])).toEqual([
      "nosuid",
      "nodev",
      "rprivate",
      "exec",
      "size=2m",
    ]);
    expect(() => tmpfsOptions(["size"])).toThrow('invalid tmpfs option "size"');
  });
  test("security options with the old separator", () => {
    expect(parseSecurityOptions(["label:disable", "apparmor:own", "seccomp:unconfined"])).toEqual({
      noNewPrivileges: false,
      seccomp: "unconfined",
      appArmor: "own",
      labels: ["disable"],
    });
    expect(parseSecurityOptions(["no-new-privileges=false"], true).noNewPrivileges).toBe(false);
  });
  test("device rules", () => {
    expect(parseDeviceRule("a *:* rwm")).toEqual({
      allow: true,
      type: "a",
      major: -1,
      minor: -1,
      access: "rwm",
    });
    expect(() => parseDeviceRule("c 1:3 rwmx")).toThrow("invalid device cgroup rule format: 'c 1:3 rwmx'");
  });
  test("signals", () => {
    const known: [string, number][] = [
      ["TERM", 15],
      ["sigkill", 9],
      ["9", 9],
      ["RTMIN", 34],
      ["SIGRTMIN+3", 37],
      ["RTMAX-1", 63],
    ];
    for (const [name, number] of known) expect(parseSignal(name)).toBe(number);
    for (const name of ["", "0", "-1", "99", "RTMIN-1", "RTMAX+1", "SIG"])
      expect(() => parseSignal(name)).toThrow(`invalid signal: ${name}`);
  });
});

describe("what the kernel writes", () => {
  test("number lists", () => {
    expect(parseNumberList("0-2,5\n")).toEqual([0, 1, 2, 5]);
    expect(parseNumberList("")).toEqual([]);
    for (const bad of ["a", "1-", "3-1", "1,,2", "-1", "0-99999999999"])
      expect(parseNumberList(bad)).toBeUndefined();
  });
  test("mounts of controllers, two on one hierarchy", () => {
    const mountinfo = [
      "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
      "31 25 0:27 / /elsewhere/cpu rw - cgroup cgroup rw,cpu",
      "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    ].join("\n");
    expect(cgroupV1Mounts(mountinfo).get("cpu")).toBe("/sys/fs/cgroup/cpu,cpuacct");
    expect(cgroupV1Mounts(mountinfo).get("cpuacct")).toBe("/sys/fs/cgroup/cpu,cpuacct");
  });
  test("the mount that holds a path", () => {
    const mounts = [
      "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw",
      "23 22 0:5 / /a\\040b ro,nosuid master:7 - tmpfs tmpfs rw",
      "24 22 0:6 / /a rw - tmpfs tmpfs rw",
      "25 22 0:7 / /a rw - ext4 over rw",
    ].map(parseMountInfo);
    expect(mountOf("/a b/c", mounts)).toMatchObject({ target: "/a b", options: ["ro", "nosuid"] });
    expect(mountOf("/ab", mounts)).toMatchObject({ target: "/", propagation: ["shared:1"] });
    expect(mountOf("/a/b", mounts)).toMatchObject({ target: "/a", source: "over" });
  });
});

test("64-bit numbers survive reading and writing", () => {
  const text = '{"limit":18446744073709551615,"small":7,"rate":1.5}';
  expect(toJson(JSON.parse(text, exactNumbers))).toBe(text);
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (number) => {
      expect(toJson(JSON.parse(`[${number}]`, exactNumbers))).toBe(`[${number}]`);
    }),
  );
});

test.each([
  ["", false, "berth-default"],
  ["", true, "unconfined"],
  ["apparmor=docker-default", false, "berth-default"],
  ["apparmor=unconfined", false, "unconfined"],
  ["apparmor=own", true, "own"],
])("--security-opt %p, privileged %p: AppArmor's %s", (option, Privileged, expected) => {
  const hostConfig = { SecurityOpt: option ? [option] : [], Privileged };
  const on = { appArmor: true } as unknown as HostEnvironment;
  expect(appArmorProfile(hostConfig, on)).toBe(expected);
  expect(appArmorProfile(hostConfig, { ...on, appArmor: false })).toBe("");
});

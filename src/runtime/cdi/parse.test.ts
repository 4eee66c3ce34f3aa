// CDI files as written: what is read of them, and what is refused in which words (those of Docker 28.5's `info`).
import { describe, expect, test } from "bun:test";
import { parseSpec } from "./parse.ts";

const edits = { env: ["A=b"] };
const spec = (own: object): string =>
  JSON.stringify({
    cdiVersion: "0.5.0",
    kind: "vendor.com/thing",
    devices: [{ name: "one", containerEdits: edits }],
    ...own,
  });
const device = (containerEdits: object, own: object = {}): string =>
  spec({ devices: [{ name: "x", containerEdits }], ...own });

describe("refused", () => {
  test.each([
    ["null", 'failed to parse CDI Spec "/a.json", no Spec data'],
    ["{", 'failed to parse CDI Spec "/a.json": failed to unmarshal CDI Spec: '],
    [spec({ foo: 1 }), 'json: unknown field "foo"'],
    [spec({ kind: 7 }), "kind is not a text"],
    [spec({ devices: {} }), "devices is not a list"],
    [spec({ cdiVersion: "0.2" }), 'invalid CDI Spec: invalid version "0.2"'],
    [spec({ kind: "thing" }), "invalid CDI Spec: invalid vendor. empty name"],
    [spec({ kind: "1.bb/cc" }), 'invalid vendor. "1.bb", should start with letter'],
    [spec({ kind: "aa.bb/c$d" }), "invalid class. invalid character '$' in name \"c$d\""],
    [spec({ kind: "aa.bb/c-" }), 'invalid class. "c-", should end with a letter or digit'],
    [spec({ devices: [] }), "invalid CDI Spec: invalid spec, no devices"],
    [
      spec({
        devices: [
          { name: "x", containerEdits: edits },
          { name: "x", containerEdits: edits },
        ],
      }),
      'invalid spec, multiple device "x"',
    ],
    [
      spec({ devices: [{ name: "x/y", containerEdits: edits }] }),
      'failed add device "x/y": invalid character \'/\' in device name "x/y"',
    ],
    [device({}), 'failed add device "x": invalid device, empty device edits'],
    [
      device({ env: ["Ab"] }),
      'failed add device "x": invalid device "x": invalid container edits: invalid environment variable "Ab"',
    ],
    [
      spec({ containerEdits: { env: ["=b"] } }),
      'invalid CDI Spec: invalid container edits: invalid environment variable "=b"',
    ],
    [device({ hooks: [{ hookName: "foo", path: "/x" }] }), 'invalid device "x": invalid hook name "foo"'],
    [device({ hooks: [{ hookName: "prestart" }] }), 'invalid hook "prestart" with empty path'],
    [
      device({ hooks: [{ hookName: "prestart", path: "/x", env: ["Q"] }] }),
      'invalid hook "prestart": invalid environment variable "Q"',
    ],
    [device({ mounts: [{ hostPath: "/x" }] }), "invalid mount, empty container path"],
    [device({ mounts: [{ containerPath: "/x" }] }), "invalid mount, empty host path"],
    [device({ deviceNodes: [{}] }), "invalid (empty) device path"],
    [device({ deviceNodes: [{ path: "/x", type: "z" }] }), 'device "/x": invalid type "z"'],
    [device({ deviceNodes: [{ path: "/x", permissions: "rq" }] }), 'device "/x": invalid permissions "rq"'],
    [device({ deviceNodes: [{ path: "/x", major: -1 }] }), "invalid (negative) device number -1:0"],
    [device({ intelRdt: { closID: "a/b" } }, { cdiVersion: "0.7.0" }), "invalid ClosID"],
    [
      device({ netDevices: [{ hostInterfaceName: "a" }] }, { cdiVersion: "1.1.0" }),
      "invalid linux net device, empty Name",
    ],
    [
      device(
        {
          netDevices: [
            { hostInterfaceName: "a", name: "b" },
            { hostInterfaceName: "a", name: "c" },
          ],
        },
        { cdiVersion: "1.1.0" },
      ),
      'invalid linux net device, duplicate HostInterfaceName "a" with names "c" and "b"',
    ],
  ])("%s", (text, reason) => {
    expect(() => parseSpec(text, "/a.json")).toThrow(reason);
  });

  test.each([
    ["0.4.0", { mounts: [{ hostPath: "/a", containerPath: "/b", type: "tmpfs" }] }, {}],
    ["0.5.0", { deviceNodes: [{ path: "/a", hostPath: "/b" }] }, {}],
    ["0.6.0", edits, { kind: "aa.bb/cc.dd" }],
    ["0.6.0", edits, { annotations: { a: "b" } }],
    ["0.7.0", { additionalGids: [5] }, {}],
    ["0.7.0", { intelRdt: { closID: "a" } }, {}],
    ["1.1.0", { intelRdt: { closID: "a", schemata: ["L3:0=f"] } }, {}],
    ["1.1.0", { netDevices: [{ hostInterfaceName: "a", name: "b" }] }, {}],
  ])("before version %s: %p %p", (version, containerEdits, own) => {
    expect(
      parseSpec(device(containerEdits, { ...own, cdiVersion: version }), "/a.json").devices,
    ).toHaveLength(1);
    expect(() => parseSpec(device(containerEdits, { ...own, cdiVersion: "0.3.0" }), "/a.json")).toThrow(
      `invalid CDI Spec: the spec version must be at least v${version}`,
    );
  });
});

test("YAML's numbers with a leading zero are octal", () => {
  const text = `cdiVersion: "0.5.0"
kind: vendor.com/thing
devices:
  - name: x
    containerEdits:
      deviceNodes: [{ path: /dev/x, fileMode: 0640, permissions: r }]
`;
  expect(parseSpec(text, "/a.yaml").devices).toEqual([
    { name: "x", containerEdits: { deviceNodes: [{ path: "/dev/x", fileMode: 0o640, permissions: "r" }] } },
  ]);
});

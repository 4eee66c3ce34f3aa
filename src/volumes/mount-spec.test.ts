// What `-v` and `--mount` may say; refusals are held against a peer's words in test/bundle/refusals.test.ts.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BerthError } from "../base/errors.ts";
import { isValidMode, parseBind, parseMount } from "./mount-spec.ts";
import { parseVolumesFrom, planMounts } from "./plan.ts";
import { toBundleMounts } from "./realise.ts";
import type { MountRequest, ResolvedMount } from "./types.ts";

const nothing: MountRequest = { binds: [], mounts: [], tmpfs: {}, imageVolumes: [], inherited: [] };
const elsewhere = { dataRoot: "/var/lib/berth" };
const plan = (request: Partial<MountRequest>) => planMounts({ ...nothing, ...request }, elsewhere);

describe("-v", () => {
  const cases: [spec: string, mount: Partial<ResolvedMount>][] = [
    ["/a", { type: "volume", source: "", destination: "/a", anonymous: true, copyUp: true, mode: "z" }],
    ["/a/:/b//c/", { type: "bind", source: "/a", destination: "/b/c", propagation: "rprivate", mode: "" }],
    ["/a:/b:ro", { readOnly: true, mode: "ro", createSource: true, copyUp: false }],
    ["/a:/b:rshared,ro,Z", { readOnly: true, propagation: "rshared", mode: "rshared,ro,Z" }],
    ["name:/b", { type: "volume", source: "name", mode: "z", copyUp: true, readOnly: false }],
    ["name:/b:nocopy", { copyUp: false, mode: "nocopy" }],
    ["name:/b:ro,cached", { readOnly: true, mode: "ro,cached" }],
  ];
  for (const [spec, mount] of cases)
    test(spec, () => {
      expect(parseBind(spec)).toMatchObject(mount);
    });

  test("with a driver makes the volume by it, a folder not", () => {
    expect(parseBind("name:/b", "other").creation?.driver).toBe("other");
    expect(parseBind("/a:/b", "other").creation).toBeUndefined();
  });

  test("any text is a mount below the root or refused", () => {
    const part = fc.stringMatching(/^[a-z./:,]{0,12}$/);
    fc.assert(
      fc.property(fc.oneof(part, fc.string()), (spec) => {
        try {
          const { destination, type, source } = parseBind(spec);
          expect(destination.startsWith("/")).toBe(true);
          expect(destination.split("/")).not.toContain("..");
          expect(destination).not.toBe("/");
          if (type === "bind") expect(source.startsWith("/")).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BerthError);
        }
      }),
    );
  });

  test("modes", () => {
    for (const mode of ["", "ro", "rw,z", "nocopy", "slave,ro,consistent"])
      expect(isValidMode(mode)).toBe(true);
    for (const mode of [",", "ro,ro", "ro,rw", "shared,slave", "copy", "RO"])
      expect(isValidMode(mode)).toBe(false);
  });
});

describe("--mount", () => {
  test("tmpfs with its size in the largest whole unit", () => {
    const tmpfs = (TmpfsOptions: object) =>
      parseMount({ Type: "tmpfs", Target: "/t", TmpfsOptions }).tmpfsOptions;
    expect(tmpfs({ SizeBytes: 1 << 30, Mode: 0o1770 })).toEqual(["mode=1770", "size=1g"]);
    expect(tmpfs({ SizeBytes: 1025 })).toEqual(["size=1025"]);
    expect(tmpfs({ Options: [["exec"]] })).toEqual(["exec"]);
  });
  test("a volume with what it is made of", () => {
    expect(
      parseMount({
        Type: "volume",
        Source: "name",
        Target: "/v",
        VolumeOptions: { Labels: { a: "b" }, Subpath: "x/../y", NoCopy: true },
      }),
    ).toMatchObject({ creation: { labels: { a: "b" } }, subpath: "x/../y", copyUp: false });
  });
});

describe("all that a container asks for", () => {
  test("is sorted, the later one winning over what was inherited and over the image", () => {
    const inherited = [parseBind("old:/data"), parseBind("kept:/kept")];
    const planned = plan({
      inherited,
      binds: ["/usr:/data:ro", "/etc:/b"],
      imageVolumes: ["/data", "/kept/", "/image"],
      tmpfs: { "/image": "" },
    });
    expect(planned.map(({ destination, source, copyUp }) => [destination, source, copyUp])).toEqual([
      ["/b", "/etc", false],
      ["/data", "/usr", false],
      ["/kept", "kept", false],
    ]);
  });

  test("a folder that holds the data root follows what is mounted there", () => {
    expect(plan({ binds: ["/var:/v"] })[0]).toMatchObject({ propagation: "rslave", chosenPropagation: true });
    expect(plan({ binds: ["/:/host:ro"] })[0]?.propagation).toBe("rslave");
    expect(plan({ binds: ["/var:/v:rshared"] })[0]?.chosenPropagation).toBeUndefined();
    expect(() => plan({ binds: ["/var/lib/berth/x:/v:rprivate"] })).toThrow(
      'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "/var/lib/berth", bind mount source: "/var/lib/berth/x", propagation: "rprivate"',
    );
    expect(plan({ binds: ["/var/lib/other:/v"] })[0]?.propagation).toBe("rprivate");
  });

  test("from another container", () => {
    expect(parseVolumesFrom("name:ro,z")).toEqual({ container: "name", readOnly: true });
    expect(parseVolumesFrom("name")).toEqual({ container: "name", readOnly: false });
    for (const bad of ["name:shared", "name:nocopy", "name:x"])
      expect(() => parseVolumesFrom(bad)).toThrow("invalid mode");
    expect(() => parseVolumesFrom("")).toThrow("volumes-from specification cannot be an empty string");
  });

  test("as the bundle has it: read-only for all below where the kernel can", () => {
    const realise = (spec: string, isFile = false) => ({ mount: parseBind(spec), hostPath: "/host", isFile });
    const options = (recursive: boolean, ...args: Parameters<typeof realise>) =>
      toBundleMounts([realise(...args)], {}, recursive)[0]?.options;
    expect(options(true, "/a:/b:ro")).toEqual(["rbind", "rro", "rprivate"]);
    expect(options(false, "/a:/b:ro")).toEqual(["rbind", "ro", "rprivate"]);
    expect(options(true, "/a:/b:ro", true)).toEqual(["rbind", "ro", "rprivate"]);
    expect(options(true, "v:/b")).toEqual(["rbind"]);
    expect(toBundleMounts([realise("/a:/t")], { "/t": "size=1m" }, true)).toEqual([
      { destination: "/t", source: "tmpfs", type: "tmpfs", options: ["size=1m"] },
    ]);
  });
});

test("labels of SELinux mean nothing without it, and are refused with it", () => {
  for (const mode of ["z", "ro,Z"]) {
    const request = { ...nothing, binds: [`/srv/a:/b:${mode}`] };
    expect(planMounts(request, { ...elsewhere, selinux: false })[0]?.mode).toBe(mode);
    expect(() => planMounts(request, { ...elsewhere, selinux: true })).toThrow(
      `relabelling /srv/a for SELinux (the volume option ${mode}) is not implemented in Berth`,
    );
  }
  // A volume's mode is z by itself.
  expect(planMounts({ ...nothing, binds: ["vol:/b"] }, { ...elsewhere, selinux: true })[0]?.mode).toBe("z");
});

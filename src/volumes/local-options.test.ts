import { describe, expect, test } from "bun:test";
import { MS } from "../linux/mount.ts";
import { checkLocalOptions, needsMount, parseMountOptions } from "./local-options.ts";

describe("options of the local driver", () => {
  // As Docker 28.5 answers.
  test.each<[Record<string, string>, string]>([
    [{ foo: "bar" }, 'create v: invalid option: "foo"'],
    [{ type: "tmpfs" }, 'create v: missing required option: "device"'],
    [{ device: "/x" }, 'create v: missing required option: "type"'],
    [{ o: "bind" }, 'create v: missing required option: "device"'],
    [{ type: "tmpfs", device: "tmpfs", size: "5m" }, "create v: quota size requested but no quota support"],
    [{ size: "big" }, "create v: invalid size: 'big'"],
    [{ type: "nfs", device: ":/x", o: "addr=::1" }, "create v: volumes of type nfs are not implemented"],
  ])("%j is refused", (options, message) => {
    expect(() => checkLocalOptions("v", options)).toThrow(message);
  });

  test.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ size: "0" }, false],
    [{ type: "tmpfs", device: "tmpfs" }, true],
    [{ type: "none", device: "/srv", o: "bind" }, true],
  ])("%j is taken; mounted: %p", (options, mounted) => {
    expect(() => checkLocalOptions("v", options)).not.toThrow();
    expect(needsMount(options)).toBe(mounted);
  });

  test.each<[string, number, string]>([
    ["", 0, ""],
    ["size=1m,uid=1000", 0, "size=1m,uid=1000"],
    ["bind,ro", MS.BIND | MS.RDONLY, ""],
    ["rbind,ro,rw,nosuid,mode=700", MS.BIND | MS.REC | MS.NOSUID, "mode=700"],
    ["toString", 0, "toString"],
  ])("%p for mount(2)", (text, flags, data) => {
    expect(parseMountOptions(text)).toEqual({ flags, data });
  });
});

import { describe, expect, test } from "bun:test";
import { MS } from "../linux/mount.ts";
import { checkLocalOptions, needsMount, parseMountOptions } from "./local-options.ts";

describe("options of the local driver", () => {
  // As Docker 28.5 answers.
  test.each<[Record<string, string>, string]>([
    [{ foo: "bar" }, 'invalid option: "foo"'],
    [{ type: "tmpfs" }, 'missing required option: "device"'],
    [{ device: "/x" }, 'missing required option: "type"'],
    [{ o: "bind" }, 'missing required option: "device"'],
    [{ type: "tmpfs", device: "tmpfs", size: "5m" }, "quota size requested but no quota support"],
    [{ size: "big" }, "invalid size: 'big'"],
    [
      { type: "cifs", device: "//host:445/share" },
      "port not allowed in CIFS device URL, include 'port' in 'o='",
    ],
  ])("%j is refused", (options, message) => {
    expect(() => checkLocalOptions(options)).toThrow(message);
  });

  test.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ size: "0" }, false],
    [{ type: "tmpfs", device: "tmpfs" }, true],
    [{ type: "none", device: "/srv", o: "bind" }, true],
  ])("%j is taken; mounted: %p", (options, mounted) => {
    expect(() => checkLocalOptions(options)).not.toThrow();
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

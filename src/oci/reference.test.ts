// Names as people write them: cases that were put to distribution/reference's own grammar, and what it says of bad ones.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  canonical,
  familiar,
  familiarRepository,
  parseAnyReference,
  parseCanonical,
  parseReference,
  withDefaultTag,
  withDigest,
  withTag,
} from "./reference.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

describe("good names: canonical and familiar form", () => {
  test.each([
    ["busybox", "docker.io/library/busybox", "busybox"],
    ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
    ["library/busybox", "docker.io/library/busybox", "busybox"],
    ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
    ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
    ["index.docker.io/user/app:v1", "docker.io/user/app:v1", "user/app:v1"],
    ["user/app", "docker.io/user/app", "user/app"],
    ["user/deep/app:x", "docker.io/user/deep/app:x", "user/deep/app:x"],
    ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
    ["localhost/app", "localhost/app", "localhost/app"],
    ["localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"],
    ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b"],
    ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
    ["registry.example/app", "registry.example/app", "registry.example/app"],
    ["HOST/app", "HOST/app", "HOST/app"],
    ["a--b_c__d.e/f", "docker.io/a--b_c__d.e/f", "a--b_c__d.e/f"],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
    ["app:Tag_1.2-3", "docker.io/library/app:Tag_1.2-3", "app:Tag_1.2-3"],
    ["sha256:abcd", "docker.io/library/sha256:abcd", "sha256:abcd"],
    [`app:${"x".repeat(128)}`, `docker.io/library/app:${"x".repeat(128)}`, `app:${"x".repeat(128)}`],
  ])("%s", (text, long, short) => {
    const reference = parseReference(text);
    expect(String(canonical(reference))).toBe(long);
    expect(familiar(reference)).toBe(short);
  });
});

describe("bad names: Docker's words", () => {
  test.each([
    ["", "invalid reference format"],
    ["-busybox", "invalid reference format"],
    ["busybox-", "invalid reference format"],
    ["busy..box", "invalid reference format"],
    ["busy___box", "invalid reference format"],
    ["/busybox", "invalid reference format"],
    ["busybox:", "invalid reference format"],
    ["busybox:ta g", "invalid reference format"],
    [`app:${"x".repeat(129)}`, "invalid reference format"],
    ["a/../b", "invalid reference format"],
    ["http://host/app", "invalid reference format"],
    ["busybox@sha256:abc", "invalid reference format"],
    ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
    ["user/App:1", "invalid reference format: repository name (user/App) must be lowercase"],
    ["localhost:5000/App", "invalid reference format: repository name (App) must be lowercase"],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    [`busybox@md5:${"0".repeat(32)}`, "unsupported digest algorithm"],
    [`busybox@sha256:${"0".repeat(40)}`, "invalid checksum digest length"],
    [`busybox@sha256:${"F".repeat(64)}`, "invalid checksum digest format"],
    ["a".repeat(256), "repository name must not be more than 255 characters"],
  ])("%s", (text, message) => {
    let said = "";
    try {
      parseReference(text);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toBe(message);
  });
});

test("tags and digests are put on and taken off", () => {
  const app = parseReference("localhost:5000/app");
  expect(familiar(withDefaultTag(app))).toBe("localhost:5000/app:latest");
  expect(familiar(withTag(app, "v1"))).toBe("localhost:5000/app:v1");
  expect(() => withTag(app, "a b")).toThrow("invalid tag format");
  const digested = withDigest(parseReference("app:1"), DIGEST as never);
  expect(familiar(digested)).toBe(`app@${DIGEST}`);
  expect(withDefaultTag(digested)).toEqual(digested);
  expect(familiarRepository(digested)).toBe("app");
});

test("an id is told from a name", () => {
  expect(parseAnyReference(HEX)).toEqual({ digest: DIGEST as never });
  expect(parseAnyReference(DIGEST)).toEqual({ digest: DIGEST as never });
  expect(parseAnyReference("0123456789ab")).toHaveProperty("reference");
});

describe("properties", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const host = fc.option(fc.constantFrom("localhost:5000", "docker.io", "registry.example", "[::1]:80"), {
    nil: undefined,
  });
  const tag = fc.option(fc.stringMatching(/^\w[\w.-]{0,10}$/), { nil: undefined });

  test("the canonical form means the same as what was written, and so does the familiar one", () => {
    fc.assert(
      fc.property(host, path, tag, (domain, name, label) => {
        const text = `${domain === undefined ? "" : `${domain}/`}${name}${label === undefined ? "" : `:${label}`}`;
        fc.pre(!/^[a-f0-9]{64}$/.test(text));
        const reference = parseReference(text);
        expect(parseCanonical(canonical(reference))).toEqual(reference);
        // A first part that reads like a host can't be shortened back to: "localhost/x" of docker.io.
        fc.pre(!/^localhost(?:\/|$)/.test(familiarRepository(reference)) || domain !== undefined);
        expect(parseReference(familiar(reference))).toEqual(reference);
      }),
    );
  });

  test("nothing but an invalid error comes of any text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        try {
          expect(String(canonical(parseReference(text))).length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as { kind?: string }).kind).toBe("invalid");
        }
      }),
    );
  });
});

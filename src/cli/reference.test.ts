import { expect, test } from "bun:test";
import { familiar, familiarText, parseReference, withDefaultTag } from "./reference.ts";

test("names and what they stand for", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const cases: Record<string, string> = {
    busybox: "docker.io/library/busybox",
    "user/app": "docker.io/user/app",
    "busybox:1.36": "docker.io/library/busybox:1.36",
    "localhost/app": "localhost/app",
    "localhost:5000/app:v1": "localhost:5000/app:v1",
    "registry.example.com/a/b/c": "registry.example.com/a/b/c",
    "index.docker.io/library/x": "docker.io/library/x",
    [`busybox@${digest}`]: `docker.io/library/busybox@${digest}`,
    [`busybox:1@${digest}`]: `docker.io/library/busybox:1@${digest}`,
    "[::1]:5000/app": "[::1]:5000/app",
    "a_b/c__d/e-f.g": "docker.io/a_b/c__d/e-f.g",
    "UPPER/app": "UPPER/app",
  };
  for (const [text, whole] of Object.entries(cases)) {
    const { name, tag, digest: found } = parseReference(text);
    expect(`${name}${tag ? `:${tag}` : ""}${found ? `@${found}` : ""}`).toBe(whole);
  }
});

test("what is no name, in Docker's words", () => {
  const cases: Record<string, string> = {
    A: "invalid reference format: repository name (library/A) must be lowercase",
    "A b": "invalid reference format: repository name (library/A b) must be lowercase",
    "": "invalid reference format",
    ":tag": "invalid reference format",
    "a:": "invalid reference format",
    "a:-x": "invalid reference format",
    "a//b": "invalid reference format",
    "-a": "invalid reference format",
    "a@sha256:00": "invalid reference format",
    [`${"a".repeat(64)}`]: `invalid repository name (${"a".repeat(64)}), cannot specify 64-byte hexadecimal strings`,
  };
  for (const [text, message] of Object.entries(cases)) expect(() => parseReference(text)).toThrow(message);
});

test("the short forms", () => {
  expect(familiar("docker.io/library/busybox")).toBe("busybox");
  expect(familiar("docker.io/user/app")).toBe("user/app");
  expect(familiar("localhost:5000/library/x")).toBe("localhost:5000/library/x");
  expect(familiarText(withDefaultTag(parseReference("busybox")))).toBe("busybox:latest");
  expect(withDefaultTag(parseReference("a:b")).tag).toBe("b");
});

import { expect, test } from "bun:test";
import { checkName, makeName } from "./names.ts";

test.each(["web", "/web", "a1", "A.b-c_d", "0x"])("%s is a name", (name) => {
  expect(checkName(name)).toBe(name.replace(/^\//, ""));
});

test.each(["", "/", "a", "-web", ".web", "_web", "we b", "wéb", "a/b", "//web"])("%j is none", (name) => {
  expect(() => checkName(name)).toThrow(
    `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
});

test("a made-up name is allowed, in two words, and nobody else's", () => {
  const taken = new Set<string>();
  for (let count = 0; count < 500; count++) {
    const name = makeName((known) => taken.has(known), "f".repeat(64));
    expect(taken.has(name)).toBe(false);
    expect(checkName(name)).toBe(name);
    taken.add(name);
  }
  expect([...taken][0]).toMatch(/^[a-z]+_[a-z]+$/);
});

test("when every made-up name is taken, the short id is left", () => {
  expect(makeName(() => true, "0123456789abcdef")).toBe("0123456789ab");
});

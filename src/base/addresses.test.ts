import { expect, test } from "bun:test";
import { withoutCredentials, withoutCredentialsIn } from "./addresses.ts";

test.each([
  ["https://user:word@host/x", "https://xxxxx:xxxxx@host/x"],
  ["https://token@host/x", "https://xxxxx@host/x"],
  ["https://host/x@y", "https://host/x@y"],
  ["git@host:x.git", "git@host:x.git"],
])("%s without credentials", (text, expected) => expect(withoutCredentials(text)).toBe(expected));

test("those that stand in a program's words", () => {
  expect(
    withoutCredentialsIn("fatal: unable to access 'https://me:secret@host/r.git/': see http://docs/x"),
  ).toBe("fatal: unable to access 'https://xxxxx:xxxxx@host/r.git/': see http://docs/x");
});

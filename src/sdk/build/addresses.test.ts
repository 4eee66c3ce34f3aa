import { expect, test } from "bun:test";
import { isRemoteAddress, parseGitAddress } from "./addresses.ts";

test.each([
  ["https://host/repo.git", { ssh: false, query: false }],
  ["https://host/repo.git#main:sub", { ssh: false, query: false }],
  ["https://host/repo.git?branch=x", { ssh: false, query: true }],
  ["https://host/archive.tar.gz", undefined],
  ["git://host/repo", { ssh: false, query: false }],
  ["ssh://git@host/repo", { ssh: true, query: false }],
  ["git@host:user/repo.git#v1", { ssh: true, query: false }],
  ["github.com/user/repo", { ssh: false, query: false }],
  ["./github.com/user/repo", undefined],
  ["docker-image://a", undefined],
  ["folder", undefined],
  ["/a/b:c", undefined],
])("%s as a git address", (text, expected) => {
  expect(parseGitAddress(text)).toEqual(expected);
});

test.each([
  ["http://host/x.tar", true],
  ["git@host:repo", true],
  [".", false],
  ["oci-layout://x", false],
])("%s is fetched by the daemon: %p", (text, expected) => {
  expect(isRemoteAddress(text)).toBe(expected);
});

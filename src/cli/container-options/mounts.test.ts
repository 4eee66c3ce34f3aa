import { expect, test } from "bun:test";
import { parseVolume } from "./mounts.ts";

// What Docker's 28.5 client made of them (internal/volumespec).
test.each([
  ["a:b:c:d", { bind: "a:b:c:d" }], // drives, for the daemon to judge
  ["a:b", { anonymous: "a:b" }],
  ["a:/b:ro:rw", { bind: "a:/b:ro:rw" }],
  ["a:b:c:d:e", { bind: "a:b:c:d:e" }],
  ["ab:/b:ro", { bind: "ab:/b:ro" }],
  ["/x", { anonymous: "/x" }],
] as const)("-v %s", (spec, parsed) => {
  expect(parseVolume(spec)).toEqual(parsed);
});

test.each([
  ["ab:/b:ro:rw", "invalid spec: ab:/b:ro:rw: too many colons"],
  ["ab:/b:ro:", "invalid spec: ab:/b:ro:: too many colons"],
  ["/x:", "invalid spec: /x:: empty section between colons"],
  [":/x", "invalid spec: :/x: empty section between colons"],
  ["", "invalid empty volume spec"],
])("-v %s is refused", (spec, message) => {
  expect(() => parseVolume(spec)).toThrow(message);
});

import { expect, test } from "bun:test";
import { chainIds, digestOf, hexOf, isDigest } from "./digest.ts";

test("a digest has a known algorithm and as many lower-case hex digits as that gives", () => {
  const empty = digestOf("");
  expect(empty as string).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(isDigest(empty)).toBe(true);
  for (const bad of [
    "",
    "sha256:",
    `sha256:${"A".repeat(64)}`,
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    `${empty}0`,
  ])
    expect(isDigest(bad)).toBe(false);
  expect(hexOf(empty)).toHaveLength(64);
});

test("the chain id of the first layer is its diff id, and of each further one the digest of both", () => {
  const [a, b] = [digestOf("a"), digestOf("b")];
  const chain = chainIds([a, b]);
  expect(chain[0] as string).toBe(a);
  expect(chain[1] as string).toBe(digestOf(`${a} ${b}`));
  expect(chainIds([])).toEqual([]);
});

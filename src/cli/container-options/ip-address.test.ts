import { expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import { ipVersion } from "./ip-address.ts";

test("addresses as the system knows them", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{1,20}$/));
  fc.assert(fc.property(address, (text) => expect(ipVersion(text) ?? 0).toBe(isIP(text) as 0 | 4 | 6)));
});

test("what looks like one", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "256.1.1.1",
    ":",
    ":::",
    "1::2::3",
    "fe80::1%eth0",
    "g::",
  ]) {
    expect(ipVersion(text)).toBeUndefined();
  }
  expect(ipVersion("::ffff:1.2.3.4")).toBe(6);
  expect(ipVersion("::")).toBe(6);
});

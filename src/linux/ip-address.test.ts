import { describe, expect, test } from "bun:test";
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { formatAddress, parseAddress, tryParseAddress } from "./ip-address.ts";

describe("texts", () => {
  // RFC 5952, sections 4.1 to 5.
  test.each([
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8::A", "2001:db8::a"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["fe80::", "fe80::"],
    ["172.17.0.2", "172.17.0.2"],
  ])("%s is written %s", (text, canonical) => {
    expect(formatAddress(parseAddress(text))).toBe(canonical);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4/8",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
    "1.2.3.4::",
    "fe80::1%eth0",
    "g::",
  ])("%j is no address", (text) => {
    expect(tryParseAddress(text)).toBeUndefined();
  });
});

test("bytes to text and back", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
      (bytes) => {
        const text = formatAddress(bytes);
        expect(bytes.length === 4 ? isIPv4(text) : isIPv6(text)).toBe(true);
        expect(parseAddress(text)).toEqual(bytes);
      },
    ),
  );
});

test("any text is an address just where node's parser says so", () => {
  const part = fc.oneof(fc.constantFrom("::", ":", ".", "0", "1.2.3.4", "ffff"), fc.string({ maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      const text = parts.join("");
      if (text.includes("%")) return;
      expect(tryParseAddress(text) !== undefined).toBe(isIPv4(text) || isIPv6(text));
    }),
    { numRuns: 2000 },
  );
});

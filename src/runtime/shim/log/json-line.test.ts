import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fixedBuffer } from "../../../linux/raw-io.ts";
import { ESCAPED_MAX, escapeJson, formatTime } from "./json-line.ts";

function escaped(bytes: Uint8Array): string {
  const from = fixedBuffer(bytes.length + 2);
  from.bytes.set(bytes);
  from.bytes[bytes.length] = 0x78;
  const to = fixedBuffer(bytes.length * ESCAPED_MAX + 4);
  to.bytes.fill(0x21);
  const end = escapeJson(from, 0, bytes.length, to, 2);
  expect(to.bytes[1]).toBe(0x21);
  expect(to.bytes[end]).toBe(0x21);
  return Buffer.from(to.bytes.subarray(2, end)).toString();
}

describe("text of a log entry", () => {
  // Recorded from dockerd 28.5's json-file log of the same bytes.
  test.each([
    ["plain", "plain"],
    [
      "a longer run of plain text <b>, and one more that is longer than near",
      "a longer run of plain text \\u003cb\\u003e, and one more that is longer than near",
    ],
    ['a"b\\c', 'a\\"b\\\\c'],
    ["<&>", "\\u003c\\u0026\\u003e"],
    ["\t\r\x1b[0m\x00\x7f", "\\u0009\\r\\u001b[0m\\u0000\x7f"],
    ["grün €𝄞", "grün €𝄞"],
    ["\u2028\u2029\u202a", "\\u2028\\u2029\u202a"],
    ["\ufffd", "\ufffd"],
  ])("%j", (text, expected) => expect(escaped(Buffer.from(text))).toBe(expected));

  test.each([
    ["a lone byte", [0x61, 0xff, 0x62], "a\\ufffdb"],
    ["a sequence cut short", [0xe2, 0x82], "\\ufffd\\ufffd"],
    ["a surrogate", [0xed, 0xa0, 0x80], "\\ufffd\\ufffd\\ufffd"],
    ["an overlong form", [0xc0, 0xaf, 0xe0, 0x80, 0xaf], "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"],
    ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80], "\\ufffd\\ufffd\\ufffd\\ufffd"],
    ["a continuation", [0x80], "\\ufffd"],
  ] as const)("no UTF-8: %s", (_, bytes, expected) => expect(escaped(Uint8Array.from(bytes))).toBe(expected));

  test("any text comes back from it, and any bytes are JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const whole = text.toWellFormed();
        expect(JSON.parse(`"${escaped(Buffer.from(whole))}"`)).toBe(whole);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(typeof JSON.parse(`"${escaped(bytes)}"`)).toBe("string");
      }),
    );
  });
});

test.each([
  [0, 0, "1970-01-01T00:00:00Z"],
  [1714557600, 120_000_000, "2024-05-01T10:00:00.12Z"],
  [1714557600, 1, "2024-05-01T10:00:00.000000001Z"],
  [1714557601, 999_999_999, "2024-05-01T10:00:01.999999999Z"],
])("time %d.%d is %s", (seconds, nanoseconds, expected) => {
  expect(formatTime(seconds, nanoseconds)).toBe(expected);
});

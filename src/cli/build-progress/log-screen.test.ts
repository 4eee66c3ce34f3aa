import { expect, test } from "bun:test";
import fc from "fast-check";
import { LogScreen } from "./log-screen.ts";

test.each([
  ["lines scroll", "a\nb\nc\nd", ["b", "c", "d"]],
  ["a return draws over", "10%\r90%", ["90%"]],
  ["a long line goes on in the next", "abcdefghijkl", ["abcdefghij", "kl"]],
  ["colours are left out", "\x1b[31mred\x1b[0m", ["red"]],
  ["a line can be erased", "old text\r\x1b[Knew", ["new"]],
  ["up and over", "one\ntwo\x1b[1A\rONE", ["ONE", "two"]],
  ["tabs", "a\tb", ["a       b"]],
  ["a title is no output", "\x1b]0;title\x07x", ["x"]],
  ["the screen can be cleared", "a\nb\x1b[2Jc", [" c"]],
])("%s", (_, text, lines) => {
  const screen = new LogScreen(3, 10);
  screen.write(Buffer.from(text));
  expect(screen.lines().map((line) => line.trimEnd())).toEqual(lines);
});

test("however output is cut, the screen is the same", () => {
  const piece = fc.constantFrom(
    "a",
    "ü",
    "\n",
    "\r",
    "\x1b[31m",
    "\x1b[2K",
    "\x1b[1A",
    "\x1b]0;t\x07",
    "\t",
    "𝄞",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (pieces, size) => {
      const bytes = Buffer.from(pieces.join(""));
      const whole = new LogScreen(4, 12);
      whole.write(bytes);
      const cut = new LogScreen(4, 12);
      for (let at = 0; at < bytes.length; at += size) cut.write(bytes.subarray(at, at + size));
      expect(cut.lines()).toEqual(whole.lines());
    }),
  );
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const parse = (text: string | undefined) => parseDetachKeys(text, (keys) => `bad ${keys}`);

test("keys in words", () => {
  expect(parse(undefined)).toEqual(bytes(16, 17));
  expect(parse("")).toEqual(bytes(16, 17));
  expect(parse("ctrl-a")).toEqual(bytes(1));
  expect(parse("a,ctrl-[,CTRL-Z")).toEqual(bytes(97, 27, 26));
  expect(parse("ctrl-@,ctrl-\\,ctrl-],ctrl-^,ctrl-_")).toEqual(bytes(0, 28, 29, 30, 31));
  for (const text of ["ctrl-", "ctrl-ab", "shift-a", "ab", ",", "ctrl-1"])
    expect(() => parse(text)).toThrow(`bad ${text}`);
});

test("detaches at the keys, passes on what came before, drops what comes after", () => {
  const scanner = new DetachScanner(bytes(16, 17));
  expect(scanner.scan(bytes(1, 2, 16, 17, 3))).toEqual({ pass: bytes(1, 2), detached: true });
});

test("a beginning of the keys is held back until the next byte decides", () => {
  const scanner = new DetachScanner(bytes(16, 17));
  expect(scanner.scan(bytes(16))).toEqual({ pass: bytes(), detached: false });
  expect(scanner.scan(bytes(5))).toEqual({ pass: bytes(16, 5), detached: false });
  expect(scanner.scan(bytes(16))).toEqual({ pass: bytes(), detached: false });
  expect(scanner.scan(bytes(16))).toEqual({ pass: bytes(16), detached: false });
  expect(scanner.scan(bytes(17))).toEqual({ pass: bytes(), detached: true });
});

test("without the keys in it, input comes out as it went in, however it is cut", () => {
  const input = fc.array(fc.uint8Array({ min: 15, max: 17, maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(input, (chunks) => {
      const all = Buffer.concat(chunks);
      const at = all.indexOf(Buffer.from([16, 17]));
      const scanner = new DetachScanner(bytes(16, 17));
      const passed: Uint8Array[] = [];
      let detached = false;
      for (const chunk of chunks) {
        const result = scanner.scan(chunk);
        passed.push(result.pass);
        if (result.detached) {
          detached = true;
          break;
        }
      }
      expect(detached).toBe(at >= 0);
      const expected = at >= 0 ? all.subarray(0, at) : all;
      const out = Buffer.concat(passed);
      // A last byte 16 may still be held back.
      const held = !detached && all.at(-1) === 16 ? 1 : 0;
      expect(out).toEqual(expected.subarray(0, expected.length - held));
    }),
  );
});

import { describe, expect, test } from "bun:test";
import { parseMode } from "./symbolic-mode.ts";

const FOLDER = true;

describe("modes as chmod takes them", () => {
  const cases: [text: string, before: number, after: number, isFolder?: boolean][] = [
    ["644", 0o777, 0o644],
    ["4755", 0o640, 0o4755],
    ["0", 0o7777, 0],
    ["u+x", 0o644, 0o744],
    ["+x", 0o644, 0o755],
    ["a-w", 0o666, 0o444],
    ["go=", 0o755, 0o700],
    ["u=rwX,go=rX", 0o640, 0o644],
    ["u=rwX,go=rX", 0o750, 0o755],
    ["u=rwX,go=rX", 0o600, 0o755, FOLDER],
    ["=rw,+X", 0o755, 0o777],
    ["=rw,+X", 0o644, 0o666],
    ["g=u", 0o640, 0o660],
    ["go=u-w", 0o750, 0o755],
    ["g+u", 0o610, 0o670],
    ["o-g", 0o776, 0o770],
    ["u+s", 0o755, 0o4755],
    ["g+s", 0o755, 0o2755],
    ["o+s", 0o755, 0o755],
    ["+t", 0o755, 0o1755],
    ["o+t", 0o755, 0o755],
    ["u=rwx", 0o4644, 0o744],
    ["a=r", 0o7777, 0o1444],
    ["ug+rw-x", 0o111, 0o661],
    ["u+x,u-x", 0o644, 0o644],
    // The mode before all of it decides what X is.
    ["a-x,a+X", 0o755, 0o755],
    // BSD's: what is named after a copied class comes anew, what is named before it is lost.
    ["u=gr", 0o070, 0o470],
    ["u=rg", 0o030, 0o330],
    ["+rt", 0o000, 0o1000],
  ];
  for (const [text, before, after, isFolder = false] of cases)
    test(`${text} of ${before.toString(8)}${isFolder ? ", a folder" : ""}`, () => {
      expect(parseMode(text)(before, isFolder).toString(8)).toBe(after.toString(8));
    });

  for (const text of ["", "8", "17777", "7z", "x", "u", "u+rwq", "u+x,", ",u+x", "z+x", "u x"])
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseMode(text)).toThrow("invalid syntax");
    });
});

// What becomes of a hosts file whose owner may have written into it.
import { expect, test } from "bun:test";
import { withLines } from "./network-files.ts";

const BASE = "127.0.0.1\tlocalhost\n";

test.each([
  ["a line comes", BASE, BASE, `${BASE}10.0.0.2\tc\n`, `${BASE}10.0.0.2\tc\n`],
  ["a line goes", `${BASE}10.0.0.2\tc\n`, `${BASE}10.0.0.2\tc\n`, BASE, BASE],
  [
    "its owner's stay",
    `${BASE}10.0.0.2\tc\n1.2.3.4\tmine\n`,
    `${BASE}10.0.0.2\tc\n`,
    BASE,
    `${BASE}1.2.3.4\tmine\n`,
  ],
  [
    "one that the owner took away stays away",
    "1.2.3.4\tmine\n",
    BASE,
    `${BASE}10.0.0.2\tc\n`,
    "1.2.3.4\tmine\n10.0.0.2\tc\n",
  ],
  ["without an end of line", "1.2.3.4\tmine", BASE, `${BASE}10.0.0.2\tc\n`, "1.2.3.4\tmine\n10.0.0.2\tc\n"],
  ["nothing changed", `${BASE}# mine\n`, BASE, BASE, `${BASE}# mine\n`],
])("%s", (_, text, old, now, expected) => {
  expect(withLines(text, old, now)).toBe(expected);
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { alignTabs } from "./tab-writer.ts";

test("columns of a table, at least ten wide with three free", () => {
  expect(alignTabs("ID\tNAME\tPORTS\n1\ta name that is long\t80\n")).toBe(
    "ID        NAME                  PORTS\n1         a name that is long   80\n",
  );
});

test("a last cell is no column, and empty cells hold their place", () => {
  expect(alignTabs("A\tB\tC\n1\t\t3\n")).toBe("A         B         C\n1                   3\n");
});

test("a line without the cell ends the column's block", () => {
  expect(alignTabs("short\tx\nno tabs at all\na much longer cell\ty\n")).toBe(
    "short     x\nno tabs at all\na much longer cell   y\n",
  );
});

test("wide characters count as two", () => {
  expect(alignTabs("漢字漢字漢字\tx\na\ty\n")).toBe("漢字漢字漢字   x\na              y\n");
});

test("other widths, as version and top use them", () => {
  expect(alignTabs(" Version:\t1\n API version:\t2\n", { minWidth: 20, padding: 1 })).toBe(
    " Version:           1\n API version:       2\n",
  );
});

test("columns filled up with tabs, as buildx's history has them", () => {
  const wide = `sha256:${"a".repeat(64)}`;
  const options = { minWidth: 1, padding: 1, tab: 8 };
  expect(alignTabs(`DIGEST\tPLATFORM\tTYPE\n${wide}\t\tone\n${wide}\tlinux/amd64\ttwo\n`, options)).toBe(
    `DIGEST${"\t".repeat(9)}PLATFORM\tTYPE\n${wide}\t\t\tone\n${wide}\tlinux/amd64\ttwo\n`,
  );
  expect(alignTabs("Name:\tx\nBuild Steps:\ty\n", options)).toBe("Name:\t\tx\nBuild Steps:\ty\n");
});

test("no text is lost, and each cell of a column begins at the same place", () => {
  const cell = fc.stringMatching(/^[a-z]{0,15}$/);
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { minLength: 1 }),
      (columns, cells) => {
        const rows = cells.map((row) => row.slice(0, columns).map((text) => `<${text}`));
        const lines = alignTabs(`${rows.map((row) => row.join("\t")).join("\n")}\n`)
          .slice(0, -1)
          .split("\n");
        expect(lines.map((line) => line.replaceAll(" ", ""))).toEqual(rows.map((row) => row.join("")));
        for (let column = 0; column < columns; column++) {
          const starts = new Set(lines.map((line) => [...line.matchAll(/</g)][column]?.index));
          expect(starts.size).toBe(1);
        }
      },
    ),
  );
});

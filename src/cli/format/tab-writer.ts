// Aligns cells that end with tabs, as Go's text/tabwriter does with the settings of Docker's tables: a column is a
// run of neighbouring lines that have a cell there, at least ten characters wide, three of them free.

const MIN_WIDTH = 10;
const PADDING = 3;

export interface Alignment {
  minWidth?: number;
  padding?: number;
  /** Columns of so many characters or a multiple of it, filled up with tabs; else with spaces. */
  tab?: number;
}

/** Lines of tab-terminated cells in, aligned lines out. What follows a line's last tab stands as it is. */
export function alignTabs(
  text: string,
  { minWidth = MIN_WIDTH, padding = PADDING, tab }: Alignment = {},
): string {
  const ends = text.endsWith("\n");
  const lines = (ends ? text.slice(0, -1) : text).split("\n").map((line) => line.split("\t"));
  const out = lines.map(() => "");
  place(0, lines.length, 0);
  return out.join("\n") + (ends ? "\n" : "");

  function fill(width: number, used: number): string {
    if (tab === undefined) return " ".repeat(width - used);
    return "\t".repeat(Math.ceil((Math.ceil(width / tab) * tab - used) / tab));
  }

  /** Writes the cells from `column` on of the lines `from` to `to`, each block of a column with one width. */
  function place(from: number, to: number, column: number): void {
    for (let at = from; at < to; ) {
      const isCell = (line: number) => column < (lines[line]?.length ?? 0) - 1;
      if (!isCell(at)) {
        out[at] += lines[at]?.[column] ?? "";
        at++;
        continue;
      }
      let end = at;
      while (end < to && isCell(end)) end++;
      let width = minWidth;
      for (let line = at; line < end; line++) {
        width = Math.max(width, Bun.stringWidth(lines[line]?.[column] ?? "") + padding);
      }
      for (let line = at; line < end; line++) {
        const cell = lines[line]?.[column] ?? "";
        out[line] += cell + fill(width, Bun.stringWidth(cell));
      }
      place(at, end, column + 1);
      at = end;
    }
  }
}

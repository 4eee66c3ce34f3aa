// Columns as Go's text/tabwriter aligns them.

/** Each column as wide as its widest cell, and `padding` blanks; the last one as it is. Lines end with a line feed. */
export function textTable(rows: readonly (readonly string[])[], padding: number): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? "")].length)),
  );
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const isLast = column === row.length - 1;
        return isLast ? cell : cell + " ".repeat(widths[column]! + padding - [...cell].length);
      });
      return `${cells.join("")}\n`;
    })
    .join("");
}

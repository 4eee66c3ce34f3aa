// The lines around a place in a source file, as BuildKit's clients show them below an error.

/** How many lines are shown around one, or around several. */
const [AROUND_ONE, AROUND_SEVERAL] = [4, 2];
const RULE = "--------------------";

interface Ranges {
  readonly start?: { readonly line: number };
  readonly end?: { readonly line: number };
}

/**
 * `Dockerfile:3`, a rule, numbered lines with `>>>` at those meant, a rule; "" when the lines aren't in the file.
 */
export function excerpt(filename: string, data: Uint8Array | string, ranges: readonly Ranges[]): string {
  const lines = (typeof data === "string" ? data : new TextDecoder().decode(data)).split("\n");
  const spans = ranges.map(({ start, end }) => {
    const first = start?.line ?? 0;
    return { first, last: Math.max(first, end?.line ?? 0) };
  });
  if (spans.length === 0) return "";
  const first = Math.min(...spans.map((span) => span.first));
  if (first > lines.length || first < 1) return "";
  const last = Math.min(lines.length, Math.max(...spans.map((span) => span.last)));
  const { from, to } = widened(first, last, lines.length);
  const shown = lines.slice(from - 1, to).map((line, index) => {
    const number = from + index;
    const mark = spans.some((span) => span.first <= number && number <= span.last) ? ">>>" : "   ";
    return ` ${String(number).padStart(3)} | ${mark} ${line}\n`;
  });
  return `${filename}:${first}\n${RULE}\n${shown.join("")}${RULE}\n`;
}

/** Grows on both sides by turns; where the file ends, a turn is lost. */
function widened(first: number, last: number, count: number): { from: number; to: number } {
  const pad = first === last ? AROUND_ONE : AROUND_SEVERAL;
  let [from, to] = [first, last];
  for (let spent = 0; spent < pad; spent++) {
    if (from > 1) {
      from--;
      spent++;
    }
    if (to !== count) {
      to++;
      spent++;
    }
  }
  return { from, to };
}

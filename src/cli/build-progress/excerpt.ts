// The lines of a Dockerfile that an error or a warning is about (BuildKit solver/errdefs).
import type { ErrorSource } from "../../sdk/index.ts";

/** Lines around the place: four in all for one line, two for several. */
const AROUND = { one: 4, several: 2 };
const RULE = "--------------------";

/** The excerpt, with the lines marked; empty where the place isn't in the file. */
export function excerpt({ file, text, ranges }: ErrorSource, shownAs = file): string {
  const lines = text.split("\n");
  if (ranges.length === 0) return "";
  let start = Math.min(...ranges.map((range) => range.start));
  let end = Math.max(...ranges.map((range) => range.end));
  if (start < 1 || start > lines.length) return "";
  end = Math.min(end, lines.length);
  const marked = start;
  const wanted = start === end ? AROUND.one : AROUND.several;
  for (let padding = 0; padding < wanted; padding++) {
    if (start > 1) {
      start--;
      padding++;
    }
    if (end !== lines.length) {
      end++;
      padding++;
    }
  }
  const shown = lines.slice(start - 1, end).map((line, index) => {
    const number = start + index;
    const isMarked = ranges.some((range) => range.start <= number && number <= range.end);
    return ` ${String(number).padStart(3)} | ${isMarked ? ">>>" : "   "} ${line}`;
  });
  return [`${shownAs}:${marked}`, RULE, ...shown, RULE, ""].join("\n");
}

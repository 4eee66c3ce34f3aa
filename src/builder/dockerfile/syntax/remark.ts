// A remark after an instruction, `FROM debian  # the base`: Dockerfiles know comments only as lines of their own, so the
// words of the remark become arguments.
import type { Escape } from "../words/index.ts";
import { quotedWords } from "./arguments.ts";
import { splitLine } from "./flags.ts";

/** Instructions that a remark makes invalid, mostly; the others take it silently. */
const BROKEN_BY_REMARK = new Set(["from", "env", "label", "shell", "healthcheck", "expose", "stopsignal"]);

/** The remark in a logical line: from the first unquoted word, but the first argument, that begins with `#`. */
export function findRemark(source: string, escapeToken: Escape): string | undefined {
  const words = quotedWords(splitLine(source, escapeToken).rest, escapeToken);
  const at = words.findIndex((word, index) => index > 0 && word.startsWith("#"));
  return at < 0 ? undefined : words.slice(at).join(" ");
}

/** The message of an instruction's error; with the remark named, where one is the likely reason. */
export function explainRemark(message: string, source: string, line: number, escapeToken: Escape): string {
  const keyword = splitLine(source, escapeToken).keyword.toLowerCase();
  if (!BROKEN_BY_REMARK.has(keyword) || message.includes(" flag")) return message;
  const remark = findRemark(source, escapeToken);
  if (remark === undefined) return message;
  return `${message}: ${JSON.stringify(remark)} on line ${line} is taken as arguments, a remark needs a line of its own`;
}

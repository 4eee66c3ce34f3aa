// Signal names as `--stop-signal` takes them (signal(7)).
import { constants } from "node:os";
import { invalid } from "../../base/errors.ts";

/** "TERM", "sigterm", "15", "RTMIN+3" → the number. Errors: invalid. */
export function parseSignal(text: string): number {
  const refuse = () => invalid(`invalid signal: ${text}`);
  if (/^-?\d+$/.test(text)) {
    const number = Number(text);
    if (number <= 0 || number > 64) throw refuse();
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime) {
    const [, end, sign, offset = "0"] = realtime;
    // 32 and 33 are the C library's own.
    const number = end === "MIN" ? 34 + Number(offset) : 64 - Number(offset);
    if ((sign === "-" && end === "MIN") || (sign === "+" && end === "MAX") || number < 34 || number > 64)
      throw refuse();
    return number;
  }
  const found = (constants.signals as Record<string, number>)[`SIG${name}`];
  if (found === undefined) throw refuse();
  return found;
}

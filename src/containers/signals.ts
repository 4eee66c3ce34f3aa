// Signal names and numbers of Linux (signal(7)); the same on x86-64 and arm64.
import { invalid } from "../base/errors.ts";

const NAMES =
  `HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU
URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS`.split(/\s+/);
const RTMIN = 34;
const RTMAX = 64;

const NUMBERS = new Map(NAMES.map((name, index) => [name, index + 1]));
for (const [alias, name] of [
  ["IOT", "ABRT"],
  ["CLD", "CHLD"],
  ["POLL", "IO"],
] as const)
  NUMBERS.set(alias, NUMBERS.get(name) as number);
NUMBERS.set("RTMIN", RTMIN).set("RTMAX", RTMAX);
for (let offset = 1; offset <= 15; offset++) NUMBERS.set(`RTMIN+${offset}`, RTMIN + offset);
for (let offset = 1; offset <= 14; offset++) NUMBERS.set(`RTMAX-${offset}`, RTMAX - offset);

export const SIGTERM = 15;
export const SIGKILL = 9;

/** "SIGTERM", "term", "15" → 15. Errors: invalid, in moby's words. */
export function parseSignal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) throw invalid(`Invalid signal: ${text}`);
    if (![...NUMBERS.values()].includes(number))
      throw invalid(`the linux daemon does not support signal ${number}`);
    return number;
  }
  const number = NUMBERS.get(text.toUpperCase().replace(/^SIG/, ""));
  if (number === undefined) throw invalid(`Invalid signal: ${text}`);
  return number;
}

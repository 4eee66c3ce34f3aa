// Modes as chmod(1) takes them, in octal digits or as `u=rwX,go+s`: BSD's setmode(3) with a umask of 0, as BuildKit has it.
import { invalid } from "../../../base/errors.ts";

/** A mode's twelve bits, changed. `isFolder` decides what X is. */
export type ModeChange = (mode: number, isFolder: boolean) => number;

const [SETUID, SETGID, STICKY] = [0o4000, 0o2000, 0o1000];
/** All but the sticky bit, which only `t` names. */
const STANDARD = 0o6777;
const CLASSES: Record<string, number> = { a: STANDARD, u: SETUID | 0o700, g: SETGID | 0o070, o: 0o007 };
const PERMISSIONS: Record<string, number> = { r: 0o444, w: 0o222, x: 0o111 };
const SHIFTS: Record<string, number> = { u: 6, g: 3, o: 0 };

type Step = (mode: number, original: number, isFolder: boolean) => number;

/** Errors: invalid, "invalid syntax". */
export function parseMode(text: string): ModeChange {
  if (/^[0-9]/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (!/^[0-7]+$/.test(text) || mode > 0o7777) throw badSyntax(text);
    return () => mode;
  }
  const steps: Step[] = [];
  for (const clause of text.split(",")) {
    const [, classes = "", operations = ""] = /^([augo]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause) ?? [];
    if (operations === "") throw badSyntax(text);
    const who = [...classes].reduce((bits, letter) => bits | (CLASSES[letter] ?? 0), 0);
    for (const [, operator = "", letters = ""] of operations.matchAll(/([-+=])([rwxXstugo]*)/g))
      steps.push(...stepsOf(who, operator, letters));
  }
  return (mode, isFolder) => steps.reduce((at, step) => step(at, mode, isFolder), mode);
}

const badSyntax = (text: string) => invalid(`invalid mode ${JSON.stringify(text)}: invalid syntax`);

/**
 * One operator with its letters. As in BSD's: a copied class (`g=u`) comes after the letters before it and X after the letters it
 * stands among; `t` makes a clause without classes one of the sticky bit alone.
 */
function stepsOf(classes: number, operator: string, letters: string): Step[] {
  const steps: Step[] = [];
  let who = classes;
  let [bits, conditional, cleared] = [0, 0, false];
  const setBits = () => {
    const [taken, given] = [who || STANDARD, who === 0 ? bits : who & bits];
    if (operator === "=") steps.push((mode) => mode & ~taken);
    steps.push(operator === "-" ? (mode) => mode & ~given : (mode) => mode | given);
    cleared = true;
  };
  const setConditional = () => {
    const given = who === 0 ? conditional : who & conditional;
    if (conditional !== 0)
      steps.push((mode, original, isFolder) => ((original & 0o111) !== 0 || isFolder ? mode | given : mode));
    conditional = 0;
  };
  for (const letter of letters) {
    if (letter in SHIFTS) {
      if (bits !== 0) setBits();
      bits = 0;
      cleared = true;
      setConditional();
      steps.push(copyStep(who || STANDARD, operator, SHIFTS[letter] ?? 0));
    } else if (letter === "X" && operator !== "-") conditional = 0o111;
    else if (letter === "s" || letter === "t") {
      if (who !== 0 && (who & ~0o007) === 0) continue; // Not for others alone
      bits |= letter === "s" ? SETUID | SETGID : STICKY;
      if (letter === "t") who |= STICKY;
    } else bits |= PERMISSIONS[letter.toLowerCase()] ?? 0;
  }
  if (bits !== 0 || (operator === "=" && !cleared)) setBits();
  setConditional();
  return steps;
}

/** `g=u`: the permissions of one class for others. */
function copyStep(who: number, operator: string, shift: number): Step {
  const targets = [6, 3, 0].filter((target) => (who & (0o4 << target)) !== 0);
  return (mode) => {
    const value = (mode >> shift) & 0o7;
    return targets.reduce((at, target) => {
      if (operator === "-") return at & ~(value << target);
      return (operator === "=" ? at & ~(0o7 << target) : at) | (value << target);
    }, mode);
  };
}

// Flags of instructions: which one takes which, and what is wrong with them in BuildKit's words.
import { invalid } from "../../../base/errors.ts";
import { didYouMean } from "../suggest.ts";

/** What a flag takes: true or false, one value, or a value each time it is given. */
export type FlagKind = "switch" | "value" | "list";

export interface Flags {
  /** undefined: not given. */
  switch(name: string): boolean | undefined;
  /** "": not given. */
  value(name: string): string;
  list(name: string): readonly string[];
}

/** Reads an instruction's flags. Errors: invalid: unknown, given twice, without a value. */
export function readFlags(words: readonly string[], known: Readonly<Record<string, FlagKind>>): Flags {
  const given = new Map<string, string[]>();
  for (const word of words) {
    const [flag, value] = cut(word);
    const name = flag.slice(2);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!kind) throw invalid(didYouMean(`unknown flag: ${flag}`, name, Object.keys(known)));
    const before = given.get(name);
    if (before && kind !== "list") throw invalid(`duplicate flag specified: ${flag}`);
    if (value === undefined && kind !== "switch") throw invalid(`missing a value on flag: ${flag}`);
    given.set(name, [...(before ?? []), kind === "switch" ? switchValue(flag, value) : (value ?? "")]);
  }
  return {
    switch: (name) => (given.has(name) ? given.get(name)?.[0] === "true" : undefined),
    value: (name) => given.get(name)?.[0] ?? "",
    list: (name) => given.get(name) ?? [],
  };
}

function switchValue(flag: string, value: string | undefined): string {
  if (value === "") throw invalid(`missing a value on flag: ${flag}`);
  const word = value?.toLowerCase() ?? "true";
  if (word !== "true" && word !== "false")
    throw invalid(`expecting boolean value for flag ${flag}, not: ${value}`);
  return word;
}

/** The part before the first `=`, and the part after; undefined without one. */
export function cut(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

// The words of a command line against a table of flags. node:util's parseArgs takes them apart into tokens; here
// they get the meaning that Docker's users expect (spf13/pflag): values, switches with a value (`--rm=false`,
// `-d=false`), flags that end at the first argument (`run`), and pflag's words for what is wrong.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Flag, type FlagTable, type FlagValues, parseBool } from "./flags.ts";

export interface Parsed<F extends FlagTable> {
  flags: FlagValues<F>;
  args: string[];
  /** The flags that were given, by name. */
  given: Set<string>;
  /** What to say about deprecated flags, in the order of their use. */
  notices: string[];
  help: boolean;
}

/** A command line that doesn't fit; the message is pflag's. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

const HELP = {
  type: "",
  usage: "Print usage",
  initial: false,
  hidden: true,
  set: (text: string) => text === "true",
};

export function parseFlags<F extends FlagTable>(
  table: F,
  words: string[],
  options: { stopAtFirst?: boolean } = {},
): Parsed<F> {
  const flags: Record<string, Flag<unknown>> = { ...table };
  flags.help ??= HELP;
  const byShort = new Map<string, string>();
  for (const [name, one] of Object.entries(flags)) if (one.short) byShort.set(one.short, name);
  const dashHelp = !byShort.has("h");
  if (dashHelp) byShort.set("h", "help");

  const values: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(flags)) if (!one.aliasOf) values[name] = one.initial;
  const parsed = { given: new Set<string>(), notices: [] as string[], args: [] as string[], help: false };

  let args = words;
  for (;;) {
    const tokens = tokenise(flags, byShort, args);
    const spelled = spellOut(flags, byShort, args, options.stopAtFirst ? beforeArguments(tokens) : tokens);
    if (!spelled) return finish(tokens);
    args = spelled;
  }

  function finish(tokens: Token[]): Parsed<F> {
    for (const token of tokens) {
      if (token.kind === "positional") {
        if (options.stopAtFirst) {
          parsed.args = args.slice(token.index);
          break;
        }
        parsed.args.push(token.value);
      } else if (token.kind === "option-terminator") {
        if (options.stopAtFirst) {
          parsed.args = args.slice(token.index + 1);
          break;
        }
      } else if (take(token)) {
        parsed.help = true;
        break;
      }
    }
    const { help: _, ...given } = values;
    return { ...parsed, flags: (table.help ? values : given) as FlagValues<F> };
  }

  /** Stores one flag; true when it asks for help. */
  function take(token: OptionToken): boolean {
    const word = args[token.index] ?? "";
    const long = token.rawName.startsWith("--");
    if (long && (token.name === "" || token.name.startsWith("-") || token.name.startsWith("="))) {
      throw new FlagError(`bad flag syntax: ${word}`);
    }
    const name = long ? token.name : (byShort.get(token.rawName[1] ?? "") ?? "");
    const one = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (!one) {
      if (long) throw new FlagError(`unknown flag: --${token.name}`);
      const letter = token.rawName[1] ?? "";
      throw new FlagError(`unknown shorthand flag: '${letter}' in -${word.slice(word.indexOf(letter, 1))}`);
    }
    if (one === HELP || name === "help") {
      if (!long) parsed.notices.push("Flag shorthand -h has been deprecated, use --help");
      return !long || !token.inlineValue || asked(token.value);
    }
    const text = textOf(one, token, long, word);
    const target = one.aliasOf ?? name;
    const setter = one.aliasOf ? flags[one.aliasOf] : one;
    try {
      values[target] = setter?.set(text, values[target]);
    } catch (thrown) {
      const shown = one.short ? `-${one.short}, --${name}` : `--${name}`;
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new FlagError(`invalid argument ${quote(text)} for "${shown}" flag: ${why}`);
    }
    parsed.given.add(target);
    if (one.deprecated) parsed.notices.push(`Flag --${name} has been deprecated, ${one.deprecated}`);
    return false;
  }
}

/** `--help=false` is a wish too. */
function asked(text: string): boolean {
  try {
    return parseBool(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FlagError(`invalid argument ${quote(text)} for "--help" flag: ${why}`);
  }
}

type Token = NonNullable<ReturnType<typeof tokenise>>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

function tokenise(flags: FlagTable, byShort: Map<string, string>, args: string[]) {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, one] of Object.entries(flags)) {
    options[name] = { type: one.type === "" ? "boolean" : "string", multiple: true };
  }
  for (const [short, name] of byShort) options[name] = { ...options[name]!, short };
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** The flags that are ours: what follows the first argument is its own. */
function beforeArguments(tokens: Token[]): Token[] {
  const first = tokens.findIndex(({ kind }) => kind !== "option");
  return first < 0 ? tokens : tokens.slice(0, first);
}

/** `-d=false`: parseArgs would read the letters after the `=` as flags. Such a word is written out, and read again. */
function spellOut(
  flags: FlagTable,
  byShort: Map<string, string>,
  args: string[],
  tokens: Token[],
): string[] | undefined {
  let at = -1;
  let position = 0;
  for (const token of tokens) {
    if (token.kind !== "option" || token.rawName.startsWith("--")) continue;
    position = token.index === at ? position + 1 : 1;
    at = token.index;
    const word = args[at] ?? "";
    const name = byShort.get(token.rawName[1] ?? "");
    if (
      !name ||
      flags[name]?.type !== "" ||
      word[position + 1] !== "=" ||
      word.length === position + 2 ||
      word[position] !== token.rawName[1]
    )
      continue;
    const before = position > 1 ? [word.slice(0, position)] : [];
    return [...args.slice(0, at), ...before, `--${name}=${word.slice(position + 2)}`, ...args.slice(at + 1)];
  }
  return undefined;
}

function textOf(one: Flag<unknown>, token: OptionToken, long: boolean, word: string): string {
  if (one.type === "") return token.inlineValue ? token.value : "true";
  if (token.value === undefined) {
    throw new FlagError(
      long
        ? `flag needs an argument: --${token.name}`
        : `flag needs an argument: '${token.rawName[1]}' in ${shortTail(word, token)}`,
    );
  }
  // `-p=80:80`: the sign belongs to the flag, not to its value. With nothing behind it, it is the value.
  return !long && token.inlineValue && /^=./s.test(token.value) ? token.value.slice(1) : token.value;
}

/** What pflag names of `-itv`: the part from the flag in question on. */
function shortTail(word: string, token: OptionToken): string {
  const at = word.lastIndexOf(token.rawName[1] ?? "");
  return `-${word.slice(at)}`;
}

/** Go's %q for what comes up here. */
function quote(text: string): string {
  return JSON.stringify(text);
}

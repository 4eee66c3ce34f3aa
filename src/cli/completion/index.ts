// `__complete`: what may follow on a command line, a line each, and how the shell is to take it: the protocol of
// spf13/cobra, so that the completion scripts of Docker's client work with ours too.

import type { Command, Place } from "../framework/command.ts";
import { cut, type Flag, type FlagTable } from "../framework/flags.ts";
import { parseFlags } from "../framework/parse.ts";
import type { Session } from "../session.ts";
import { TREE } from "../tree.ts";
import { type Candidates, DIRECTIVE, nothing } from "./candidates.ts";

const HELP: Flag<unknown> = { type: "", usage: "Print usage", initial: false, set: () => true };

/** What may stand in the place of the last word. `words` is the whole line behind the program's name. */
export async function candidatesFor(
  session: Session,
  globals: FlagTable,
  words: string[],
): Promise<Candidates> {
  const word = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found = descend(globals, before);
  if (!found) return { words: [], directive: DIRECTIVE.files };
  const { place, path, rest } = found;
  if (place?.load) {
    const candidates = await ofCommand(session, await load(place), canonical(path), rest, word);
    const isFirst = !word.startsWith("-") && !rest.some((one) => !one.startsWith("-"));
    // It may have commands below it besides arguments of its own.
    const below = isFirst ? listOf(place.children ?? [], word) : [];
    return { ...candidates, words: [...below, ...candidates.words] };
  }
  const own = place ? {} : globals;
  const value = await valueCandidates(session, "", own, rest, word);
  if (value) return value;
  if (word.startsWith("-")) return flagNames(own, new Set(), word);
  if (rest.some((one) => !one.startsWith("-"))) return { words: [], directive: DIRECTIVE.files };
  const help = { name: "help", about: "Help about the command" };
  const places = place?.children ?? [...TREE, help];
  return { words: listOf(places, word), directive: DIRECTIVE.noFiles };
}

const listOf = (places: Pick<Place, "name" | "about" | "hidden">[], word: string): string[] =>
  places
    .filter(({ hidden, name }) => !hidden && name.startsWith(word))
    .map(({ name, about }) => `${name}\t${about}`)
    .sort();

const load = async (place: Place): Promise<Command> => (await place.load?.())?.default as Command;

/** The command that the words lead to, and what of them is behind it. Nothing for a command that isn't. */
function descend(globals: FlagTable, words: string[]) {
  let place: Place | undefined;
  const path: string[] = [];
  let rest = words;
  for (;;) {
    if (place && !place.children) return { place, path, rest };
    const at = firstArgument(place ? {} : globals, rest);
    if (at === undefined) return { place, path, rest };
    const name = rest[at] ?? "";
    const next = (place?.children ?? TREE).find((one) => one.name === name || one.aliases?.includes(name));
    if (!next) return place?.load && { place, path, rest };
    place = next;
    path.push(next.name);
    rest = rest.slice(at + 1);
  }
}

function firstArgument(flags: FlagTable, words: string[]): number | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) return at;
    if (wantsValue(flags, word)) at++;
  }
  return undefined;
}

/** `ps` is `container ls`: what is known of a command is known under its group's name. */
function canonical(path: string[]): string {
  if (path.length > 1) return path.join(" ");
  const [name = ""] = path;
  const top = TREE.find((one) => one.name === name);
  for (const group of TREE)
    for (const child of group.children ?? [])
      if (child.load && child.load === top?.load) return `${group.name} ${child.name}`;
  return name;
}

async function ofCommand(
  session: Session,
  command: Command,
  path: string,
  words: string[],
  word: string,
): Promise<Candidates> {
  const flags: FlagTable = command.showsHelp ? { ...command.flags, help: HELP } : command.flags;
  const firstOwn = command.stopAtFirst ? firstArgument(flags, words) : undefined;
  const ours = firstOwn === undefined ? words : words.slice(0, firstOwn);
  const flagsOver = firstOwn !== undefined || words.includes("--");
  if (!flagsOver) {
    const value = await valueCandidates(session, path, flags, ours, word);
    if (value) return value;
  }
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(flags, words, { stopAtFirst: command.stopAtFirst });
  } catch {
    return { words: [], directive: DIRECTIVE.files };
  }
  if (word.startsWith("-") && !flagsOver) return flagNames(flags, parsed.given, word);
  const { ARGUMENTS } = await import("./places.ts");
  return (ARGUMENTS[path] ?? nothing)(session, { word, args: parsed.args });
}

/** `--flag=VALUE`, or a value behind a flag that waits for one. */
async function valueCandidates(
  session: Session,
  path: string,
  flags: FlagTable,
  words: string[],
  word: string,
): Promise<Candidates | undefined> {
  const { flagValues } = await import("./places.ts");
  const [left, value] = cut(word, "=");
  if (word.startsWith("-") && value !== undefined) {
    const name = named(flags, left);
    if (!name) return { words: [], directive: DIRECTIVE.files };
    if (flags[name]?.type === "") return { words: ["false", "true"], directive: DIRECTIVE.noFiles };
    return flagValues(path, name)(session, { word: value, args: [] });
  }
  const last = words.at(-1);
  if (last === undefined || words.includes("--") || !wantsValue(flags, last)) return undefined;
  return flagValues(path, named(flags, last) ?? "")(session, { word, args: [] });
}

/** The flag that a word names; of several letters together (`-it`) the last one. */
function named(flags: FlagTable, word: string): string | undefined {
  if (word.startsWith("--")) {
    const name = word.slice(2);
    const one = flags[name];
    return one && (one.aliasOf ?? name);
  }
  const letter = word.at(-1);
  return Object.keys(flags).find((name) => flags[name]?.short === letter);
}

function wantsValue(flags: FlagTable, word: string): boolean {
  if (!word.startsWith("-") || word.length < 2 || word.includes("=")) return false;
  // Of letters together, all but the last are switches: else the rest is the value.
  if (!word.startsWith("--"))
    for (const letter of word.slice(1, -1))
      if (flags[named(flags, `-${letter}`) ?? ""]?.type !== "") return false;
  const one = flags[named(flags, word) ?? ""];
  return one !== undefined && one.type !== "";
}

/** A default that the help text shows is no part of what a flag is for. */
const DEFAULT = / \(default (?:\[\]|map\[\]|true|-?[1-9]\d*|"[^"]*")\)$/;

function flagNames(flags: FlagTable, given: Set<string>, word: string): Candidates {
  const words = Object.entries(flags)
    .filter(([name, one]) => !one.hidden && !one.deprecated && !given.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { short, usage }]) => {
      const about = (usage.split("\n")[0] ?? "").replace(DEFAULT, "");
      return [`--${name}`, ...(short ? [`-${short}`] : [])].map((spelled) => [spelled, about] as const);
    })
    .filter(([spelled]) => spelled.startsWith(word))
    .map(([spelled, about]) => `${spelled}\t${about}`);
  return { words, directive: DIRECTIVE.noFiles };
}

const NAMES = [
  [DIRECTIVE.error, "ShellCompDirectiveError"],
  [DIRECTIVE.noSpace, "ShellCompDirectiveNoSpace"],
  [DIRECTIVE.noFiles, "ShellCompDirectiveNoFileComp"],
] as const;

/** Answers a shell. Never a failure: that would be in the way of what is being typed. */
export async function answerShell(
  session: Session,
  globals: FlagTable,
  words: string[],
  described: boolean,
): Promise<void> {
  let found: Candidates;
  try {
    found = await candidatesFor(session, globals, words);
  } catch {
    found = { words: [], directive: DIRECTIVE.error };
  }
  const lines = found.words.map((one) => (described ? one : (one.split("\t")[0] ?? "")));
  await session.out.write([...lines, `:${found.directive}`, ""].join("\n"));
  const names = NAMES.filter(([bit]) => found.directive & bit).map(([, name]) => name);
  await session.err.line(
    `Completion ended with directive: ${names.join(", ") || "ShellCompDirectiveDefault"}`,
  );
}

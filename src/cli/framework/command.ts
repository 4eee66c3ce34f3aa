// What a command is: its words, its flags, how many arguments it takes, and what it does.
import type { Session } from "../session.ts";
import type { FlagTable, FlagValues } from "./flags.ts";

/** How many arguments, in Docker's words for when it's another number. */
export type Arity =
  | { exactly: number }
  | { atLeast: number }
  | { atMost: number }
  | { from: number; to: number }
  | "any";

export interface Invocation<F extends FlagTable> {
  args: string[];
  flags: FlagValues<F>;
  /** Whether the flag was given, also if with its default. */
  given(name: keyof F & string): boolean;
  /** The command as it was called, `docker container ls`, for messages. */
  path: string;
}

export interface Command<F extends FlagTable = FlagTable> {
  /** What follows the name in the usage line: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  synopsis: string;
  /** A second usage line, without the program's name, for `cp`. */
  synopsis2?: string;
  about: string;
  /** What usage and help call it, below the program's name, where that isn't how it was called: `buildx build` for `build`. */
  shownAs?: string;
  /** Before what is said of a wrong number of arguments. */
  errorsBeginWith?: string;
  /** All names of this command below the program's, `container ls`; none printed where there is only one. */
  aliases?: string[];
  args: Arity;
  /** Words after the first argument belong to the container, not to us: `run`, `exec`. */
  stopAtFirst?: boolean;
  /** `--help` is among its options in the help text (where `-h` means something else). */
  showsHelp?: boolean;
  flags: F;
  /** The API version that brought it. */
  since?: string;
  /** Ends with a number, the exit code, or anything else for 0. Throws CommandFailure or SdkError. */
  run(session: Session, invocation: Invocation<F>): Promise<unknown>;
}

/** Declares a command; the flags' types follow from their table. */
export function command<F extends FlagTable>(definition: Command<F>): Command<F> {
  return definition;
}

/** A place in the tree of commands: a command, loaded when it is called, or a group of them. */
export interface Place {
  name: string;
  about: string;
  /** Further names, as `ps` for `container ls`; not listed. */
  aliases?: string[];
  /** Where the top-level help lists it. */
  section?: "common" | "management";
  hidden?: boolean;
  /** Docker's client has no such command. */
  ours?: boolean;
  load?: () => Promise<{ default: Command }>;
  children?: Place[];
  /** A group's own flags: they may stand before its command's name, and are the command's then. */
  flags?: FlagTable;
}

/** What is wrong with the number of arguments, or nothing (docker/cli cli/required.go). */
export function arityProblem(arity: Arity, count: number): string | undefined {
  const noun = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  if (arity === "any") return undefined;
  if ("exactly" in arity) {
    if (count === arity.exactly) return undefined;
    return arity.exactly === 0 ? "accepts no arguments" : `requires ${noun(arity.exactly)}`;
  }
  if ("atLeast" in arity)
    return count >= arity.atLeast ? undefined : `requires at least ${noun(arity.atLeast)}`;
  if ("atMost" in arity) return count <= arity.atMost ? undefined : `requires at most ${noun(arity.atMost)}`;
  if (count >= arity.from && count <= arity.to) return undefined;
  return `requires at least ${arity.from} and at most ${noun(arity.to)}`;
}

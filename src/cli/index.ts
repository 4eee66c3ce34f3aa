// The client's door: finds the command in the tree, gives it its flags, prints what goes wrong once.
import { basename } from "node:path";
import { COMMIT, VERSION } from "../base/build.ts";
import { configFolder } from "./config-file.ts";
import { describe } from "./describe.ts";
import { arityProblem, type Command, type Place } from "./framework/command.ts";
import { CommandFailure, EXIT } from "./framework/failure.ts";
import { FlagError, parseFlags } from "./framework/parse.ts";
import { globalFlags } from "./global-flags.ts";
import { openSession, type Session } from "./session.ts";
import { TREE } from "./tree.ts";

/** What completion scripts call (src/cli/completion); the second wants no descriptions. */
const COMPLETE = "__complete";
const COMPLETE_PLAIN = "__completeNoDesc";

const LOG_LEVELS = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];

/** Runs one command line (without the program's name) and gives its exit code. */
export async function main(argv0: string, words: string[]): Promise<number> {
  const program = basename(argv0) === "docker" ? "docker" : "berth";
  const table = globalFlags(configFolder(undefined));
  let session: Session | undefined;
  try {
    let globals = parseGlobals(program, table, words);
    const [first] = globals.args;
    const completes = first === COMPLETE || first === COMPLETE_PLAIN;
    if (completes) globals = completedGlobals(table, globals);
    const folder = configFolder(globals.flags.config);
    session = openSession(program, globals, folder, { startsDaemon: !completes });
    for (const notice of globals.notices) await session.err.line(notice);
    if (!completes && !LOG_LEVELS.includes(globals.flags["log-level"])) {
      throw new CommandFailure(`Unable to parse logging level: ${globals.flags["log-level"]}`);
    }
    if (globals.flags.version) {
      await session.out.line(
        `${program === "docker" ? "Docker" : "Berth"} version ${VERSION}, build ${COMMIT}`,
      );
      return 0;
    }
    if (globals.help) return await printHelp(session, [], table);
    return await dispatch(session, globals.args, table);
  } catch (thrown) {
    return report(session, thrown);
  }
}

type GlobalTable = ReturnType<typeof globalFlags>;

function parseGlobals(program: string, table: GlobalTable, words: string[]) {
  try {
    return parseFlags(table, words, { stopAtFirst: true });
  } catch (thrown) {
    throw usageFailure(thrown, program, `${program} [OPTIONS] COMMAND [ARG...]`);
  }
}

/** The daemon of a line that is being typed is the one that its own flags name, as far as they go. */
function completedGlobals(table: GlobalTable, asked: ReturnType<typeof parseGlobals>) {
  try {
    const typed = parseFlags(table, asked.args.slice(1, -1), { stopAtFirst: true });
    return { ...asked, flags: typed.flags, given: typed.given };
  } catch {
    return asked;
  }
}

/** A wrong flag, with where to read more (docker/cli cli/cobra.go FlagErrorFunc). */
function usageFailure(thrown: unknown, path: string, usage: string): unknown {
  if (!(thrown instanceof FlagError)) return thrown;
  const text = `${thrown.message}\n\nUsage:  ${usage}\n\nRun '${path} --help' for more information`;
  return new CommandFailure(text, EXIT.usage, { cause: thrown });
}

function find(places: Place[], name: string): Place | undefined {
  return places.find((place) => place.name === name || place.aliases?.includes(name));
}

async function dispatch(session: Session, words: string[], globals: GlobalTable): Promise<number> {
  const { program } = session;
  const [first, ...rest] = words;
  if (first === undefined) {
    await session.err.write(await programHelpText(session, globals));
    return 0;
  }
  if (first === "help") return printHelp(session, rest, globals);
  if (first === COMPLETE || first === COMPLETE_PLAIN) {
    if (rest.length === 0) throw new CommandFailure("requires at least 1 arg(s), only received 0");
    const { answerShell } = await import("./completion/index.ts");
    await answerShell(session, globals, rest, first === COMPLETE);
    return 0;
  }
  const place = find(TREE, first);
  if (!place) {
    throw new CommandFailure(
      `${program}: unknown command: ${program} ${first}\n\nRun '${program} --help' for more information`,
    );
  }
  return descend(session, place, rest, `${program} ${first === place.name ? place.name : first}`);
}

async function descend(session: Session, place: Place, words: string[], path: string): Promise<number> {
  if (place.load) {
    const { default: loaded } = await place.load();
    const below = place.children && (await commandBelow(place.children, loaded, words));
    if (below) return descend(session, below.child, below.words, `${path} ${below.child.name}`);
    return runCommand(session, loaded, words, path, place.children);
  }
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(place.flags ?? {}, words, { stopAtFirst: true });
  } catch (thrown) {
    throw usageFailure(thrown, path, `${path} COMMAND`);
  }
  const [name, ...others] = parsed.args;
  const rest = [...handedOn(parsed), ...others];
  for (const notice of parsed.notices) await session.err.line(notice);
  if (parsed.help || name === undefined) {
    const { groupHelp } = await import("./framework/help.ts");
    await (parsed.help ? session.out : session.err).write(groupHelp(path, place, await helpWidth()));
    return 0;
  }
  const child = find(place.children ?? [], name);
  if (child) return descend(session, child, rest, `${path} ${child.name}`);
  throw new CommandFailure(
    `${session.program}: unknown command: ${path} ${name}\n\nUsage:  ${path}\n\nRun '${path} --help' for more information`,
  );
}

/** A command may have others below it; they are its first argument. Those take of its flags what they have too. */
async function commandBelow(children: Place[], own: Command, words: string[]) {
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(own.flags, words, { stopAtFirst: true });
  } catch {
    return undefined; // The command itself says what is wrong
  }
  const child = find(children, parsed.args[0] ?? "");
  if (!child) return undefined;
  const known = (await child.load?.())?.default.flags ?? {};
  const shared = new Set([...parsed.given].filter((name) => Object.hasOwn(known, name)));
  return { child, words: [...handedOn({ ...parsed, given: shared }), ...parsed.args.slice(1)] };
}

/** A group's flags, as its command takes them. */
function handedOn({ flags, given }: ReturnType<typeof parseFlags>): string[] {
  return [...given].map((name) => `--${name}=${String((flags as Record<string, unknown>)[name])}`);
}

async function runCommand(
  session: Session,
  command: Command,
  words: string[],
  called: string,
  children?: Place[],
): Promise<number> {
  const path = command.shownAs ? `${session.program} ${command.shownAs}` : called;
  const usage = [path, command.synopsis].filter(Boolean).join(" ");
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(command.flags, words, { stopAtFirst: command.stopAtFirst });
  } catch (thrown) {
    throw usageFailure(
      thrown,
      path,
      command.synopsis2 ? `${usage}\n\t${session.program} ${command.synopsis2}` : usage,
    );
  }
  for (const notice of parsed.notices) await session.err.line(notice);
  if (parsed.help) {
    const { commandHelp } = await import("./framework/help.ts");
    await session.out.write(commandHelp(path, session.program, command, await helpWidth(), children));
    return 0;
  }
  const problem = arityProblem(command.args, parsed.args.length);
  if (problem) {
    const lines = command.synopsis2 ? `${usage}\n\t${session.program} ${command.synopsis2}` : usage;
    const verb = problem.startsWith("requires at least") && !problem.includes("at most") ? "See" : "Run";
    throw new CommandFailure(
      `${command.errorsBeginWith ?? ""}${session.program}: '${path}' ${problem}\n\nUsage:  ${lines}\n\n${verb} '${path} --help' for more information`,
    );
  }
  await requireVersions(session, command, parsed.given, path);
  const code = await command.run(session, {
    args: parsed.args,
    flags: parsed.flags as never,
    given: (name: string) => parsed.given.has(name),
    path,
  });
  await session.out.flush();
  return typeof code === "number" ? code : 0;
}

/** A flag or command that the daemon is too old for is refused before anything happens. */
async function requireVersions(session: Session, command: Command, given: Set<string>, path: string) {
  const table = command.flags as Record<string, { since?: string; onlyOn?: string }>;
  const wanted = [...given].filter((name) => table[name]?.since || table[name]?.onlyOn);
  if (wanted.length === 0 && !command.since) return;
  const { connection } = await session.client();
  const refuse = async (what: string, since: string) => {
    if (await connection.supports(since)) return;
    throw new CommandFailure(
      `${what} requires API version ${since}, but the Docker daemon API version is ${await connection.version()}`,
    );
  };
  if (command.since) await refuse(path, command.since);
  for (const name of wanted) {
    const { since, onlyOn } = table[name] ?? {};
    if (since) await refuse(`"--${name}"`, since);
    const { osType } = await connection.ping();
    if (onlyOn && osType !== onlyOn) {
      throw new CommandFailure(
        `"--${name}" is only supported on a Docker daemon running on ${onlyOn}, but the Docker daemon is running on ${osType}`,
      );
    }
  }
}

async function printHelp(session: Session, words: string[], globals: GlobalTable): Promise<number> {
  let places = TREE;
  let place: Place | undefined;
  const path = [session.program];
  for (const word of words) {
    place = find(places, word);
    if (!place) throw new CommandFailure(`unknown help topic: ${words.join(" ")}`);
    path.push(place.name === word ? place.name : word);
    places = place.children ?? [];
  }
  if (!place) {
    await session.out.write(await programHelpText(session, globals));
    return 0;
  }
  return descend(session, place, ["--help"], path.join(" "));
}

async function programHelpText(session: Session, globals: GlobalTable): Promise<string> {
  const { programHelp } = await import("./framework/help.ts");
  return programHelp(session.program, TREE, globals, await helpWidth());
}

/** As wide as the terminal on standard input, else 80 columns; one stays free. */
async function helpWidth(): Promise<number> {
  const { terminalSize } = await import("./output.ts");
  return (terminalSize(0)?.columns || 80) - 1;
}

/** The one place where an error is printed. */
async function report(session: Session | undefined, thrown: unknown): Promise<number> {
  const text = describe(thrown);
  const code = thrown instanceof CommandFailure ? thrown.exitCode : EXIT.failed;
  if (text) {
    const { openOutput } = await import("./output.ts");
    await session?.out.flush();
    await (session?.err ?? openOutput(2)).line(text);
  }
  if (process.env.BERTH_DEBUG && thrown instanceof Error) console.error(thrown.stack);
  return code;
}

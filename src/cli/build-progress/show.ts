// The display of a build that a person or a program reads: chosen, driven, and what comes after it.
import type { BuildEvent, BuildWarning } from "../../sdk/index.ts";
import { isTerminal } from "../output.ts";
import { clock, type Display, drive, MODES, type Mode } from "./display.ts";
import { uniqueWarnings, warningSummary } from "./warnings.ts";
import { writeAll } from "./write-all.ts";

export interface ShownProgress {
  readonly mode: Mode;
  event(event: BuildEvent): void;
  /** Draws the end and the summary of warnings. Gives the warnings. */
  end(): BuildWarning[];
}

/** The mode that flags and environment ask for. Throws for one that isn't. */
export function progressMode(asked: string, quiet: boolean): Mode {
  const wish = asked === "none" ? "quiet" : asked;
  if (quiet || asked === "quiet") {
    if (wish !== "auto" && wish !== "quiet")
      throw new Error(`progress=${asked} and quiet cannot be used together`);
    return "quiet";
  }
  const mode = (wish === "auto" && process.env.BUILDKIT_PROGRESS) || wish || "auto";
  if (!MODES.includes(mode as Mode)) throw new Error(`invalid progress mode ${mode}`);
  return mode as Mode;
}

export interface ShowOptions {
  mode: Mode;
  /** The builder's name, its driver before it in the terminal's first line. */
  builder: string;
  /** Warnings in full. */
  debug?: boolean;
  /** A build of the history, or no build at all: what builds it is not said. */
  isPast?: boolean;
}

/** On standard error. Throws where a terminal is asked for and there is none. */
export async function showBuild(options: ShowOptions): Promise<ShownProgress> {
  const { mode, debug = false, isPast = false } = options;
  const warnings: BuildWarning[] = [];
  const write = (text: string) => writeAll(2, text);
  const driven = drive(await chooseDisplay(options, write));
  return {
    mode,
    event(event) {
      warnings.push(...event.warnings);
      driven.event(event);
    },
    end() {
      driven.end();
      const unique = uniqueWarnings(warnings);
      if (mode !== "quiet" && mode !== "rawjson" && !isPast) write(warningSummary(unique, debug));
      return unique;
    },
  };
}

async function chooseDisplay(
  { mode, builder, isPast }: ShowOptions,
  write: (text: string) => void,
): Promise<Display> {
  if (mode === "quiet") return { update() {}, refresh() {}, finish() {} };
  if (mode === "rawjson") return (await import("./raw-json.ts")).rawJsonDisplay(write);
  if (mode === "tty" && !isTerminal(2))
    throw new Error("failed to get console: provided file is not a console");
  if (mode !== "plain" && isTerminal(2)) return terminalDisplay(builder, write);
  const { plainDisplay } = await import("./plain.ts");
  const description = isPast ? undefined : `building with "${builder}" instance using docker driver`;
  return plainDisplay(write, { description, now: clock });
}

/** Where a terminal doesn't say its size. */
const SIZE = { width: 80, height: 10 };

async function terminalDisplay(builder: string, write: (text: string) => void): Promise<Display> {
  const [{ ttyDisplay }, { colorsOf }] = await Promise.all([import("./tty.ts"), import("./colors.ts")]);
  const size = () => {
    const [width = 0, height = 0] = process.stderr.getWindowSize?.() ?? [];
    return width > 0 && height > 0 ? { width, height } : SIZE;
  };
  return ttyDisplay({
    write,
    size,
    now: clock,
    description: `docker:${builder}`,
    colors: colorsOf(process.env, (text) => write(`WARN: ${text}\n`)),
    windowLines: Number(process.env.BUILDKIT_TTY_LOG_LINES) || undefined,
  });
}

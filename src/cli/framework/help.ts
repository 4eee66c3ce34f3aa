// Help texts in Docker's layout: usage, description, aliases, options wrapped to the terminal as spf13/pflag does.
import type { Command, Place } from "./command.ts";
import type { FlagTable } from "./flags.ts";

/** Options as a block of two columns, `width` characters wide. Ends without a line break. */
export function optionsBlock(flags: FlagTable, width: number): string {
  const rows = Object.entries(flags)
    .filter(([, one]) => !one.hidden && !one.deprecated)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => {
      const left = `${one.short ? `  -${one.short}, ` : "      "}--${name}${one.type ? ` ${one.type}` : ""}`;
      return { left, usage: one.usage };
    });
  const column = Math.max(...rows.map(({ left }) => left.length)) + 3;
  return rows.map(({ left, usage }) => left.padEnd(column) + wrap(usage, column, width)).join("\n");
}

/** How far a line may run over its room when that saves a line of its own for the last words. */
const SLOP = 5;
const NARROW = 24;

/** Wraps a text into the room between `indent` and `width`. */
function wrap(text: string, indent: number, width: number): string {
  let margin = indent;
  let lead = "";
  if (width - margin < NARROW) {
    margin = 16;
    lead = `\n${" ".repeat(margin)}`;
  }
  const room = width - margin;
  if (room < NARROW) return text.replaceAll("\n", lead);
  const lines: string[] = [];
  for (let rest = text, line = ""; ; ) {
    [line, rest] = takeLine(rest, room - SLOP);
    lines.push(line);
    if (!rest) break;
  }
  return lead + lines.join("\n").replaceAll("\n", `\n${" ".repeat(margin)}`);
}

/** As many words as fit into `room` characters, and what is left. */
function takeLine(text: string, room: number): [string, string] {
  if (room + SLOP > text.length) return [text, ""];
  const start = text.slice(0, room);
  const space = Math.max(start.lastIndexOf(" "), start.lastIndexOf("\t"), start.lastIndexOf("\n"));
  if (space <= 0) return [text, ""];
  const line = start.lastIndexOf("\n");
  const end = line > 0 && line < space ? line : space;
  return [text.slice(0, end), text.slice(end + 1)];
}

export function usageLine(path: string, command: Command): string {
  return [path, command.synopsis].filter(Boolean).join(" ");
}

/** The help of one command. `path` is how it was called, program included; `below` are commands that it has besides its arguments. */
export function commandHelp(
  path: string,
  program: string,
  command: Command,
  width: number,
  below: Place[] = [],
): string {
  const parts = [`Usage:  ${below.length > 0 ? `${path} [OPTIONS] COMMAND` : usageLine(path, command)}`];
  if (command.synopsis2) parts[0] += `\n\t${program} ${command.synopsis2}`;
  // Examples are calls of this program, whatever it is called.
  parts.push(command.about.replace(/\bdocker (?=completion |context )/g, `${program} `));
  if (command.aliases && command.aliases.length > 0) {
    parts.push(`Aliases:\n  ${command.aliases.map((alias) => `${program} ${alias}`).join(", ")}`);
  }
  const table = command.flags;
  const flags: FlagTable = command.showsHelp
    ? { ...table, help: { type: "", usage: "Print usage", initial: false, set: () => true } }
    : table;
  if (Object.values(flags).some((one) => !one.hidden && !one.deprecated))
    parts.push(`Options:\n${optionsBlock(flags, width)}`);
  if (below.length > 0) parts.push(...commandsBelow(path, below));
  return `${parts.join("\n\n")}\n`;
}

const commandsBelow = (path: string, places: Place[]): string[] => [
  `Commands:\n${list(places, Math.max(11, ...places.map(({ name }) => name.length)))}`,
  `Run '${path} COMMAND --help' for more information on a command.`,
];

function list(places: Place[], padding: number): string {
  return places.map(({ name, about }) => `  ${name.padEnd(padding)} ${about}`).join("\n");
}

/** Groups and their commands; `path` is the group's, program included. */
export function groupHelp(path: string, group: Place, width: number): string {
  const children = (group.children ?? []).filter(({ hidden }) => !hidden);
  const groups = children.filter((child) => child.children);
  const commands = children.filter((child) => !child.children);
  const padding = Math.max(11, ...children.map(({ name }) => name.length));
  const parts = [`Usage:  ${path} ${group.flags ? "[OPTIONS] " : ""}COMMAND`, group.about];
  if (group.flags) parts.push(`Options:\n${optionsBlock(group.flags, width)}`);
  if (groups.length > 0) parts.push(`Management Commands:\n${list(groups, padding)}`);
  if (commands.length > 0) parts.push(`Commands:\n${list(commands, padding)}`);
  parts.push(`Run '${path} COMMAND --help' for more information on a command.`);
  return `${parts.join("\n\n")}\n`;
}

/** The program's own help. */
export function programHelp(program: string, places: Place[], flags: FlagTable, width: number): string {
  const shown = places.filter(({ hidden }) => !hidden);
  const padding = Math.max(11, ...shown.map(({ name }) => name.length));
  const common = shown.filter(({ section }) => section === "common");
  const management = shown.filter(({ section }) => section === "management");
  const rest = shown.filter(({ section }) => !section);
  return `${[
    `Usage:  ${program} [OPTIONS] COMMAND`,
    "A self-sufficient runtime for containers",
    `Common Commands:\n${list(common, padding)}`,
    `Management Commands:\n${list(management, padding)}`,
    `Commands:\n${list(rest, padding)}`,
    `Global Options:\n${optionsBlock(flags, width)}`,
    `Run '${program} COMMAND --help' for more information on a command.`,
  ].join("\n\n")}\n`;
}

// `--help` of the daemon, in dockerd's form: pflag's columns, wrapped at 80 (spf13/pflag's FlagUsagesWrapped).
import { FLAGS } from "./flags.ts";

/** Text of `--help`, without what is refused; `program` is how the daemon was called (`berth daemon`, `dockerd`). */
export function usage(program: string, width = 79): string {
  const rows = FLAGS.filter((flag) => !flag.refused).map((flag) => {
    const short = flag.short && flag.name !== "help" ? `-${flag.short}, ` : "    ";
    const value = flag.kind === "bool" ? "" : ` ${flag.kind}`;
    const text = flag.shown === undefined ? flag.help : `${flag.help} (default ${flag.shown})`;
    return { left: `  ${short}--${flag.name}${value}`, text };
  });
  const column = Math.max(...rows.map((row) => row.left.length)) + 3;
  const lines = rows.map(({ left, text }) => left.padEnd(column) + wrap(text, column, width));
  return `\nUsage:\t${program} [OPTIONS]\n\nA self-sufficient runtime for containers.\n\nOptions:\n${lines.join("\n")}\n`;
}

/** pflag leaves five columns of slack: a rest that would run over by less stays on its line. */
function wrap(text: string, indent: number, width: number): string {
  const slack = 5;
  const room = width - indent - slack;
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room + slack) {
    const cut = rest.slice(0, room).lastIndexOf(" ");
    if (cut <= 0) break;
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut + 1);
  }
  lines.push(rest);
  return lines.join(`\n${" ".repeat(indent)}`);
}

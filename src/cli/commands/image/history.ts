// `history`: the steps that made an image.
import { HISTORY, historyRow } from "../../format/lists.ts";
import { chooseFormat, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE",
  about: "Show the history of an image",
  aliases: ["image history", "history"],
  args: { exactly: 1 },
  flags: {
    format: flag.string(TABLE_FORMAT),
    human: flag.bool("Print sizes and dates in human readable format (default true)", {
      short: "H",
      default: true,
    }),
    "no-trunc": flag.bool("Don't truncate output"),
    platform: flag.string(
      'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { since: "1.48" },
    ),
    quiet: flag.bool("Only show image IDs", { short: "q" }),
  },
  async run(session, { args: [name = ""], flags }) {
    const platform = flags.platform ? parsePlatform(flags.platform) : undefined;
    const entries = await (await session.client()).images.history(name, { platform });
    const { format, human } = flags;
    await printRows(session.out, {
      format: chooseFormat(HISTORY, format, { quiet: flags.quiet, key: "ID" }),
      table: human ? HISTORY.table : HISTORY.tableNotHuman,
      headers: HISTORY.headers,
      rows: entries.map((one) => historyRow(one, { truncate: !flags["no-trunc"], human })),
    });
  },
});

// `network ls`.
import { NETWORKS, networkRow } from "../../format/lists.ts";
import { naturally } from "../../format/natural-order.ts";
import { chooseFormat, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "List networks",
  aliases: ["network ls", "network list"],
  args: { exactly: 0 },
  flags: {
    filter: flag.filter('Provide filter values (e.g. "driver=bridge")', { short: "f" }),
    format: flag.string(TABLE_FORMAT),
    "no-trunc": flag.bool("Do not truncate the output"),
    quiet: flag.bool("Only display network IDs", { short: "q" }),
  },
  async run(session, { flags }) {
    const networks = await (await session.client()).networks.list(flags.filter);
    networks.sort((a, b) => naturally(a.Name ?? "", b.Name ?? ""));
    const format = flags.format || (flags.quiet ? "" : ((await session.config()).networksFormat ?? ""));
    await printRows(session.out, {
      format: chooseFormat(NETWORKS, format, { quiet: flags.quiet, key: "ID" }),
      table: NETWORKS.table,
      headers: NETWORKS.headers,
      rows: networks.map((one) => networkRow(one, { truncate: !flags["no-trunc"] })),
    });
  },
});

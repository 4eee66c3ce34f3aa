// `volume ls`.
import { VOLUMES, volumeRow } from "../../format/lists.ts";
import { naturally } from "../../format/natural-order.ts";
import { chooseFormat, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "List volumes",
  aliases: ["volume ls", "volume list"],
  args: { exactly: 0 },
  flags: {
    filter: flag.filter('Provide filter values (e.g. "dangling=true")', { short: "f" }),
    format: flag.string(TABLE_FORMAT),
    quiet: flag.bool("Only display volume names", { short: "q" }),
  },
  async run(session, { flags }) {
    const { Volumes } = await (await session.client()).volumes.list(flags.filter);
    const volumes = [...(Volumes ?? [])].sort((a, b) => naturally(a.Name, b.Name));
    const format = flags.format || (flags.quiet ? "" : ((await session.config()).volumesFormat ?? ""));
    await printRows(session.out, {
      format: chooseFormat(VOLUMES, format, { quiet: flags.quiet, key: "Name" }),
      table: VOLUMES.table,
      headers: VOLUMES.headers,
      rows: volumes.map(volumeRow),
    });
  },
});

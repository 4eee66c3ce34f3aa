// `volume ls`.
import type { Volume } from "../../../sdk/index.ts";
import { VOLUMES, volumeRow } from "../../format/lists.ts";
import { naturally } from "../../format/natural-order.ts";
import { chooseFormat, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";
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
    size: flag.bool("Display sizes, and which containers use a volume", { short: "s", ours: true }),
  },
  async run(session, { args: _, flags }) {
    const format = flags.format || (flags.quiet ? "" : ((await session.config()).volumesFormat ?? ""));
    const found = await look(session, flags.filter, {
      size: flags.size || /\.Size\b/.test(format),
      used: flags.size || /\.(?:Size|Links|Containers)\b/.test(format),
      asked: flags.size,
    });
    const volumes = [...(found.Volumes ?? [])].sort((a, b) => naturally(a.Name, b.Name));
    for (const warning of found.Warnings ?? []) await session.err.line(`WARNING: ${warning}`);
    await printRows(session.out, {
      format: chooseFormat(VOLUMES, format, { quiet: flags.quiet, key: "Name" }),
      table: flags.size ? VOLUMES.sizeTable : VOLUMES.table,
      headers: VOLUMES.headers,
      rows: volumes.map(volumeRow),
    });
  },
});

/** Of Docker's daemon a format gets what there is; `--size` is refused by it. */
async function look(
  session: Session,
  filters: Record<string, string[]>,
  { size, used, asked }: { size: boolean; used: boolean; asked: boolean },
): Promise<{ Volumes?: Volume[] | null; Warnings?: string[] | null }> {
  const { volumes } = await session.client();
  if (!used) return volumes.list(filters);
  try {
    return await volumes.files.list(filters, { size });
  } catch (thrown) {
    if (asked || !(thrown instanceof Error) || !/not Berth's/.test(thrown.message)) throw thrown;
    return volumes.list(filters);
  }
}

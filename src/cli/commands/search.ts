// `search`: images of Docker Hub. The daemon asks the Hub; what it answers is shown.
import { printRows, row } from "../format/rows.ts";
import { ellipsis } from "../format/units.ts";
import { command } from "../framework/command.ts";
import { flag } from "../framework/flags.ts";

const HEADERS = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
  IsAutomated: "AUTOMATED",
};

export default command({
  synopsis: "[OPTIONS] TERM",
  about: "Search Docker Hub for images",
  args: { exactly: 1 },
  flags: {
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: flag.string("Pretty-print search using a Go template"),
    limit: flag.int("Max number of search results"),
    "no-trunc": flag.bool("Don't truncate output"),
  },
  async run(session, { args: [term = ""], flags }) {
    const client = await session.client();
    const found = await client.images.search(term, {
      limit: flags.limit || undefined,
      filters: flags.filter,
    });
    const stars = (one: Record<string, unknown>) => Number(one.star_count ?? 0);
    await printRows(session.out, {
      format: flags.format,
      table: "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
      headers: HEADERS,
      rows: found
        .sort((a, b) => stars(b) - stars(a))
        .map((one) =>
          row("*registry.searchContext", {
            Name: () => String(one.name ?? ""),
            Description: () => {
              const text = String(one.description ?? "").replace(/[\n\r]/g, " ");
              return flags["no-trunc"] ? text : ellipsis(text, 45);
            },
            StarCount: () => String(stars(one)),
            IsOfficial: () => (one.is_official ? "[OK]" : ""),
            IsAutomated: () => "",
          }),
        ),
    });
  },
});

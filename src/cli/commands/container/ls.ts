// `ps`, `container ls`: the containers.

import { describe } from "../../describe.ts";
import { CONTAINERS, containerRow } from "../../format/lists.ts";
import { chooseFormat, compile, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "List containers",
  aliases: ["container ls", "container list", "container ps", "ps"],
  args: { exactly: 0 },
  flags: {
    all: flag.bool("Show all containers (default shows just running)", { short: "a" }),
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: flag.string(TABLE_FORMAT),
    last: flag.int("Show n last created containers (includes all states) (default -1)", {
      short: "n",
      default: -1,
    }),
    latest: flag.bool("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only display container IDs", { short: "q" }),
    size: flag.bool("Display total file sizes", { short: "s" }),
  },
  async run(session, { flags, given }) {
    const { psFormat } = await session.config();
    if (flags.quiet && flags.format) {
      await session.err.line("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    }
    const format = flags.format || (psFormat ?? "");
    const raw = format === "raw";
    // Unlike elsewhere, `-q` wins over a template.
    const shown = chooseFormat(CONTAINERS, flags.quiet && !raw ? "" : format, {
      quiet: flags.quiet,
      key: "ID",
    });
    await checkFormat(format);
    const client = await session.client();
    const list = await client.containers.list({
      all: flags.all,
      limit: flags.latest && flags.last === -1 ? 1 : flags.last,
      // The size of a container costs the daemon a walk over its files: asked for only where it shows.
      size: flags.size || (!flags.quiet && !given("size") && /\.Size\b|json\s+\.(?!\w)/.test(format)),
      filters: flags.filter,
    });
    await printRows(session.out, {
      format: raw && flags.size ? `${shown}size: {{.Size}}\n` : shown,
      table: flags.size ? `${CONTAINERS.table}\t{{.Size}}` : CONTAINERS.table,
      headers: CONTAINERS.headers,
      rows: list.map((one) => containerRow(one, { truncate: !flags["no-trunc"] })),
    });
  },
});

/** A placeholder that there isn't is an error also where no container is there to show it. */
async function checkFormat(source: string): Promise<void> {
  const inWords = (what: string, thrown: unknown) =>
    fail(`failed to ${what} template: ${describe(thrown).replace(/^template parsing error: /, "")}`);
  const render = await compile(source).catch((thrown: unknown) => {
    throw inWords("parse", thrown);
  });
  try {
    render(containerRow({}, { truncate: true }));
  } catch (thrown) {
    throw inWords("execute", thrown);
  }
}

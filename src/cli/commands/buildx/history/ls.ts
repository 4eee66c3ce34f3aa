// `buildx history ls`: the builds that the daemon remembers.
import type { BuildRecord } from "../../../../sdk/index.ts";
import { buildFailure } from "../../../build-failure.ts";
import { desktopAddress } from "../../../build-history/inspection-text.ts";
import { readLocalState } from "../../../build-history/local-state.ts";
import { buildName } from "../../../build-history/names.ts";
import { findRecords, statusOf } from "../../../build-history/records.ts";
import { durationText, instantText } from "../../../build-history/times.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { since } from "../../../format/cache-records.ts";
import { printRows, row } from "../../../format/rows.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";
import { isTerminal } from "../../../output.ts";

const TABLE = "{{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}\t{{.Link}}";
const HEADERS = {
  Ref: "BUILD ID",
  Name: "NAME",
  Status: "STATUS",
  CreatedAt: "CREATED AT",
  Duration: "DURATION",
  Link: "",
};
/** Characters of a name in the table; the end says most. */
const NAME_WIDTH = 36;

export default command({
  synopsis: "[OPTIONS]",
  about: "List build records",
  args: { exactly: 0 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    filter: flag.listOf("stringArray", (text) => text)('Provide filter values (e.g., "status=error")'),
    format: flag.string('Format the output (default "table")'),
    local: flag.bool("List records for current repository only"),
    "no-trunc": flag.bool("Don't truncate output"),
  },
  async run(session, { flags }) {
    try {
      const builder = await builderName(session, flags.builder);
      const filters = [...flags.filter];
      if (flags.local) {
        const { repositoryHere } = await import("../../../build-options/git-attributes.ts");
        const remote = await repositoryHere();
        if (!remote) throw new Error("could not find git repository for local filter");
        filters.push(`repository=${remote}`);
      }
      const records = (await findRecords(session, "", filters)).sort(runningFirst);
      const isTable = !flags.format || flags.format.startsWith("table");
      const named = await Promise.all(
        records.map(async (record) => {
          const name = buildName(
            record.attributes,
            await readLocalState(session.configFolder, builder, record.ref),
          );
          return { record, name };
        }),
      );
      if (flags.format === "json") {
        for (const { record, name } of named)
          await session.out.line(JSON.stringify(jsonOf(record, name, builder)));
        return;
      }
      const shorten = isTable && !flags["no-trunc"];
      await printRows(session.out, {
        format: flags.format,
        table: TABLE,
        headers: HEADERS,
        rows: named.map(({ record, name }) =>
          row("*history.lsContext", {
            Ref: () => record.ref,
            Name: () => (shorten ? shortened(name) : name),
            Status: () => statusOf(record),
            CreatedAt: () => since(record.created),
            Duration: () => durationText(record),
            Link: () => link(desktopAddress(builder, record.ref), isTable),
          }),
        ),
      });
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

const runningFirst = (a: BuildRecord, b: BuildRecord) =>
  Number(a.completed !== undefined) - Number(b.completed !== undefined);

/** A table has room for a link alone, and a terminal for links. */
const link = (address: string, isTable: boolean): string => {
  if (!isTable) return address;
  return isTerminal(1) ? `\x1b]8;;${address}\x1b\\Open\x1b]8;;\x1b\\` : "";
};

const shortened = (name: string) =>
  name.length <= NAME_WIDTH ? name : `..${name.slice(name.length - NAME_WIDTH + 2)}`;

function jsonOf(record: BuildRecord, name: string, builder: string) {
  return {
    cached_steps: record.cachedSteps,
    ...(record.completed !== undefined && { completed_at: instantText(record.completed) }),
    completed_steps: record.completedSteps,
    created_at: instantText(record.created),
    name,
    ref: `${builder}/${builder}/${record.ref}`,
    status: statusOf(record),
    total_steps: record.totalSteps,
  };
}

// `buildx du` and `builder du`: what the builder's cache keeps.
import { buildFailure } from "../../build-failure.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { cacheFilters } from "../../build-options/cache-filters.ts";
import { builderName } from "../../builder-name.ts";
import { CACHE_RECORDS, cacheDetails, cacheRow, cacheSummary } from "../../format/cache-records.ts";
import { printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export const du = command({
  synopsis: "",
  about: "Disk usage",
  args: { exactly: 0 },
  shownAs: "buildx du",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    filter: flag.filter("Provide filter values"),
    format: flag.string("Format the output"),
    verbose: flag.bool('Shorthand for "--format=pretty"'),
  },
  async run(session, { flags }) {
    try {
      if (flags.format && flags.verbose) throw new Error("--format and --verbose cannot be used together");
      const { filters } = cacheFilters(flags.filter);
      await builderName(session, flags.builder);
      const records = await (await session.client()).builder.diskUsage(filters);
      const pretty = flags.verbose || flags.format === "pretty";
      const isTable = !pretty && (!flags.format || flags.format.startsWith("table"));
      if (pretty) await session.out.write(records.map(cacheDetails).join(""));
      else {
        const rows = records.map((one) => cacheRow(one, isTable));
        await printRows(session.out, { format: flags.format, ...CACHE_RECORDS, rows });
      }
      const isPlain = pretty || !flags.format || flags.format === "table";
      if (isPlain && Object.keys(flags.filter).length === 0) await session.out.write(cacheSummary(records));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

export default du;

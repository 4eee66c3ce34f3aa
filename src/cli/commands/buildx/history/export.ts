// `buildx history export`: builds with all that belongs to them, as an archive that Docker Desktop takes.
import { createWriteStream } from "node:fs";
import { buildFailure } from "../../../build-failure.ts";
import { writeBundle } from "../../../build-history/bundle.ts";
import { readLocalState } from "../../../build-history/local-state.ts";
import { findRecords, oneRecord } from "../../../build-history/records.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";
import { isTerminal } from "../../../output.ts";
import type { Session } from "../../../session.ts";

export default command({
  synopsis: "[OPTIONS] [REF...]",
  about: "Export build records into Docker Desktop bundle",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    all: flag.bool("Export all build records for the builder"),
    finalize: flag.bool("Ensure build records are finalized before exporting"),
    output: flag.string("Output file path", { short: "o" }),
  },
  async run(session, { args, flags }) {
    try {
      if (flags.all && args.length > 0) throw new Error("cannot specify refs when using --all");
      const builder = await builderName(session, flags.builder);
      const found = await chooseRecords(session, args, flags);
      if (!flags.output && isTerminal(1))
        throw new Error("refusing to write to console, use --output to specify a file");
      const client = await session.client();
      const [worker] = await client.builder.workers();
      const records = await Promise.all(
        found.map(async (record) => ({
          record,
          platform: worker?.platforms[0] ?? "",
          state: await readLocalState(session.configFolder, builder, record.ref),
        })),
      );
      const out = flags.output ? createWriteStream(flags.output) : process.stdout;
      await writeBundle(client, records, out);
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

/** The newest one unless others are named; only what has ended. */
async function chooseRecords(
  session: Session,
  refs: string[],
  { all, finalize }: { all: boolean; finalize: boolean },
) {
  const { builder } = await session.client();
  const look = async () => {
    if (all) {
      const records = (await findRecords(session, "")).filter(({ completed }) => completed !== undefined);
      if (records.length === 0) throw new Error("no records found");
      return records;
    }
    return await Promise.all((refs.length > 0 ? refs : [""]).map((ref) => oneRecord(session, ref, true)));
  };
  const found = await look();
  if (!finalize || found.every(({ trace }) => trace)) return found;
  for (const { ref, trace } of found) if (!trace) await builder.finalize(ref);
  return await look();
}

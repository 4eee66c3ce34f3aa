// `buildx history logs`: what a build said while it ran.
import { buildFailure } from "../../../build-failure.ts";
import { atMost, oneRecord } from "../../../build-history/records.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { progressMode, showBuild } from "../../../build-progress/show.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] [REF]",
  about: "Print the logs of a build record",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    progress: flag.string('Set type of progress output (plain, rawjson, tty) (default "plain")', {
      default: "plain",
    }),
  },
  async run(session, { args, flags }) {
    try {
      atMost(1, args);
      const [ref = ""] = args;
      const builder = await builderName(session, flags.builder);
      const record = await oneRecord(session, ref);
      const asked = flags.progress === "auto" ? "plain" : flags.progress;
      const progress = await showBuild({ mode: progressMode(asked, false), builder, isPast: true });
      for await (const event of await (await session.client()).builder.logs(record.ref))
        progress.event(event);
      progress.end();
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

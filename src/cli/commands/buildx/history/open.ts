// `buildx history open`: shows a build in Docker Desktop, where there is one.
import { buildFailure } from "../../../build-failure.ts";
import { openInBrowser } from "../../../build-history/browser.ts";
import { desktopAddress } from "../../../build-history/inspection-text.ts";
import { atMost, oneRecord } from "../../../build-history/records.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";

export default command({
  synopsis: "[OPTIONS] [REF]",
  about: "Open a build record in Docker Desktop",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: builderFlags,
  async run(session, { args, flags }) {
    try {
      atMost(1, args);
      const builder = await builderName(session, flags.builder);
      const { ref } = await oneRecord(session, args[0] ?? "");
      await openInBrowser(desktopAddress(builder, ref));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

// `buildx version`: ours; there is no plugin behind it.
import { COMMIT, VERSION } from "../../../base/build.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { command } from "../../framework/command.ts";

export default command({
  synopsis: "",
  about: "Show buildx version information",
  args: { exactly: 0 },
  errorsBeginWith: "ERROR: ",
  flags: { ...builderFlags, builder: { ...builderFlags.builder, hidden: true } },
  async run(session) {
    await session.out.line(`berth ${VERSION} ${COMMIT}`);
  },
});

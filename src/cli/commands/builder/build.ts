// `build`, `image build` and `builder build`: buildx's, of the default builder.
import { builderFlags } from "../../build-options/builder-flags.ts";
import { buildFlags } from "../../build-options/flags.ts";
import { command } from "../../framework/command.ts";

export const build = command({
  synopsis: "[OPTIONS] PATH | URL | -",
  shownAs: "buildx build",
  about: "Start a build",
  aliases: ["build", "builder build", "image build", "buildx b"],
  args: { exactly: 1 },
  errorsBeginWith: "ERROR: ",
  flags: buildFlags,
  async run(session, { args: [place = ""], flags, given }) {
    const { runBuild } = await import("../../run-build.ts");
    return runBuild(session, place, flags, given as (name: string) => boolean);
  },
});

/** Under these names the help says which builder it is. */
export default command({
  ...build,
  flags: {
    ...buildFlags,
    builder: { ...builderFlags.builder, usage: `${builderFlags.builder.usage} (default "default")` },
  },
});

// `buildx use`: a daemon has one builder, which is the current one already.
import { buildFailure } from "../../build-failure.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] NAME",
  about: "Set the current builder instance",
  args: { atMost: 1 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    default: flag.bool("Set builder as default for current context"),
    global: flag.bool("Builder persists context changes"),
  },
  async run(session, { args: [name], flags }) {
    const asked = name ?? flags.builder;
    const current = await session.contextName();
    if (asked === "default" && current !== "default")
      throw buildFailure(new Error("run `docker context use default` to switch to default context"));
    if (asked !== "default" && asked !== current)
      throw buildFailure(
        new Error(
          `failed to find instance ${JSON.stringify(asked)}: a daemon has one builder, ${JSON.stringify(current)}`,
        ),
      );
  },
});

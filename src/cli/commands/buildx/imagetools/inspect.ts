// `buildx imagetools inspect`: what a registry holds under a name.
import { buildFailure } from "../../../build-failure.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] NAME",
  about: "Show details of an image in the registry",
  args: { exactly: 1 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    format: flag.string("Format the output using the given Go template"),
    raw: flag.bool("Show original, unformatted JSON manifest"),
  },
  async run(session, { args: [name = ""], flags: { builder, format, raw } }) {
    try {
      const { inspectImage } = await import("../../../imagetools/inspect.ts");
      await inspectImage(session, { name, format, raw, builder });
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

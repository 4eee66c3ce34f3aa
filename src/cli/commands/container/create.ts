// `create`: a container that is not started yet.
import { CREATE_FLAGS } from "../../container-options/run-flags.ts";
import { createContainer, specFromFlags } from "../../create-container.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create a new container",
  aliases: ["container create", "create"],
  args: { atLeast: 1 },
  stopAtFirst: true,
  showsHelp: true,
  flags: {
    ...CREATE_FLAGS,
    pull: flag.string('Pull image before creating ("always", "|missing", "never") (default "missing")', {
      default: "missing",
    }),
  },
  async run(session, { args, flags, given }) {
    const spec = await specFromFlags(session, "create", args, flags, given);
    await session.out.line(await createContainer(session, spec, flags));
  },
});

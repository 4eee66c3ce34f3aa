// `volume rm`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME [VOLUME...]",
  about: `Remove one or more volumes. You cannot remove a volume that is in use by a container.`,
  aliases: ["volume rm", "volume remove"],
  args: { atLeast: 1 },
  flags: { force: flag.bool("Force the removal of one or more volumes", { short: "f", since: "1.25" }) },
  async run(session, { args, flags }) {
    const client = await session.client();
    await each(session, args, (name) => client.volumes.remove(name, flags));
  },
});

// `pause`: the processes of a container stop where they are, and go on.
import { command } from "../../framework/command.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "CONTAINER [CONTAINER...]",
  about: "Pause all processes within one or more containers",
  aliases: ["container pause", "pause"],
  args: { atLeast: 1 },
  flags: {},
  async run(session, { args }) {
    const client = await session.client();
    await each(session, args, (name) => client.containers.pause(name));
  },
});

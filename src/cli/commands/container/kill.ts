// `kill`: a signal to the main process, SIGKILL unless told otherwise.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Kill one or more running containers",
  aliases: ["container kill", "kill"],
  args: { atLeast: 1 },
  flags: { signal: flag.string("Signal to send to the container", { short: "s" }) },
  async run(session, { args, flags }) {
    const client = await session.client();
    await each(session, args, (name) => client.containers.kill(name, flags.signal));
  },
});

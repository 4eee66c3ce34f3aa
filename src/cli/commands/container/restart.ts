// `restart`: the stop signal, then a kill after the time-out.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Restart one or more containers",
  aliases: ["container restart", "restart"],
  args: { atLeast: 1 },
  flags: {
    signal: flag.string("Signal to send to the container", { short: "s", since: "1.42" }),
    timeout: flag.int("Seconds to wait before killing the container", { short: "t" }),
    time: flag.int("Seconds to wait before killing the container", { deprecated: "use --timeout instead" }),
  },
  async run(session, { args, flags, given }) {
    if (given("time") && given("timeout")) {
      throw fail("conflicting options: cannot specify both --timeout and --time");
    }
    const timeout = given("timeout") ? flags.timeout : given("time") ? flags.time : undefined;
    const client = await session.client();
    await each(session, args, (name) => client.containers.restart(name, { timeout, signal: flags.signal }));
  },
});

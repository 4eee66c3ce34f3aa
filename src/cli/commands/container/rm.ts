// `rm`: containers, with their anonymous volumes where asked.

import { isNotFound } from "../../../sdk/index.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Remove one or more containers",
  aliases: ["container rm", "container remove", "rm"],
  args: { atLeast: 1 },
  flags: {
    force: flag.bool("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    link: flag.bool("Remove the specified link", { short: "l" }),
    volumes: flag.bool("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  async run(session, { args, flags }) {
    const client = await session.client();
    await each(session, args, async (given) => {
      const name = given.replace(/^\/+|\/+$/g, "");
      if (name === "") throw fail("container name cannot be empty");
      try {
        await client.containers.remove(name, flags);
      } catch (thrown) {
        // What is to be gone and isn't there is gone; it is said, but is no failure.
        if (!flags.force || !isNotFound(thrown)) throw thrown;
        await session.err.line(`Error response from daemon: ${thrown.message}`);
        return null;
      }
      return given;
    });
  },
});

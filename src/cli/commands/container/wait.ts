// `wait`: until containers end; prints their exit codes.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { each } from "../each.ts";

export default command({
  synopsis: "CONTAINER [CONTAINER...]",
  about: "Block until one or more containers stop, then print their exit codes",
  aliases: ["container wait", "wait"],
  args: { atLeast: 1 },
  flags: {},
  async run(session, { args }) {
    const client = await session.client();
    await each(session, args, async (name) => {
      const { StatusCode, Error: problem } = await client.containers.wait(name).result;
      if (problem?.Message) throw fail(problem.Message);
      return String(StatusCode);
    });
  },
});

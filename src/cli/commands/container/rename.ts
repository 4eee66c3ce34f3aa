// `rename`.
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

export default command({
  synopsis: "CONTAINER NEW_NAME",
  about: "Rename a container",
  aliases: ["container rename", "rename"],
  args: { exactly: 2 },
  flags: {},
  async run(session, { args }) {
    const [from = "", to = ""] = args.map((name) => name.trim());
    if (from === "" || to === "") throw fail("Error: Neither old nor new names may be empty");
    const client = await session.client();
    try {
      await client.containers.rename(from, to);
    } catch (thrown) {
      await session.err.line(describe(thrown));
      throw fail(`Error: failed to rename container named ${from}`);
    }
  },
});

// `rename`.
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
    await (await session.client()).containers.rename(from, to);
  },
});

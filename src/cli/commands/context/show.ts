// `context show`.
import { command } from "../../framework/command.ts";

export default command({
  synopsis: "",
  about: "Print the name of the current context",
  args: { exactly: 0 },
  flags: {},
  run: async (session) => session.out.line(await session.contextName()),
});

// `diff`: what a container changed in its image's files.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

const LETTERS = ["C", "A", "D"];

export default command({
  synopsis: "CONTAINER",
  about: "Inspect changes to files or directories on a container's filesystem",
  aliases: ["container diff", "diff"],
  args: { exactly: 1 },
  flags: {},
  async run(session, { args: [name = ""] }) {
    if (name === "") throw fail("Container name cannot be empty");
    const changes = (await (await session.client()).containers.changes(name)) ?? [];
    for (const { Kind, Path } of changes) await session.out.line(`${LETTERS[Kind]} ${Path}`);
  },
});

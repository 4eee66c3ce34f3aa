// `export`: a container's file system as a tar archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { writeWholeFile } from "../../whole-file.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER",
  about: "Export a container's filesystem as a tar archive",
  aliases: ["container export", "export"],
  args: { exactly: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  async run(session, { args: [name = ""], flags }) {
    if (flags.output === "" && session.out.isTerminal())
      throw fail("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const { files } = (await session.client()).containers;
    const archive = () => files.export(name);
    if (flags.output !== "") return writeWholeFile(flags.output, "failed to export container", archive);
    for await (const chunk of await archive()) await session.out.write(chunk);
  },
});

// `volume export`: a volume's files as a tar archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { writeWholeFile } from "../../whole-file.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME",
  about: `Export a volume's files as a tar archive

Owners, modes, extended attributes, hard links and devices are in it.`,
  args: { exactly: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  async run(session, { args: [name = ""], flags }) {
    if (flags.output === "" && session.out.isTerminal())
      throw fail("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const { files } = (await session.client()).volumes;
    const archive = () => files.export(name);
    if (flags.output !== "") return writeWholeFile(flags.output, "failed to export volume", archive);
    for await (const chunk of await archive()) await session.out.write(chunk);
  },
});

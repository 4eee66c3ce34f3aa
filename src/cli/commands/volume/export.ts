// `volume export`: a volume's files as a tar archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { writeArchive } from "../../write-archive.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME",
  about: `Export a volume's files as a tar archive

Owners, modes, extended attributes, hard links and devices are in it.`,
  args: { exactly: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  run: (session, { args: [name = ""], flags }) =>
    writeArchive(session, flags.output, "failed to export volume", (client) =>
      client.volumes.files.export(name),
    ),
});

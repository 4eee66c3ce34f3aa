// `export`: a container's file system as a tar archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { writeArchive } from "../../write-archive.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER",
  about: "Export a container's filesystem as a tar archive",
  aliases: ["container export", "export"],
  args: { exactly: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  run: (session, { args: [name = ""], flags }) =>
    writeArchive(session, flags.output, "failed to export container", (client) =>
      client.containers.files.export(name),
    ),
});

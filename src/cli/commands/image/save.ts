// `save`: images as an archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";
import { writeArchive } from "../../write-archive.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  aliases: ["image save", "save"],
  args: { atLeast: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
    platform: flag.string(
      'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { since: "1.48" },
    ),
  },
  async run(session, { args, flags }) {
    const platforms = flags.platform ? [parsePlatform(flags.platform)] : undefined;
    await writeArchive(session, flags.output, "failed to save image", (client) =>
      client.images.save(args, { platforms }),
    );
  },
});

// `save`: images as an archive, to a file or to standard output.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";
import { writeWholeFile } from "../../whole-file.ts";

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
    if (flags.output === "" && session.out.isTerminal()) {
      throw fail("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    const client = await session.client();
    const archive = () => client.images.save(args, { platforms });
    if (flags.output !== "") return writeWholeFile(flags.output, "failed to save image", archive);
    for await (const chunk of await archive()) await session.out.write(chunk);
  },
});

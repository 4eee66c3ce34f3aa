// `load`: images from an archive that `save` made.
import { fileBody, standardInputBody } from "../../archive-input.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { isTerminal } from "../../output.ts";
import { parsePlatform } from "../../platform.ts";
import { showProgress } from "../../progress.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "Load an image from a tar archive or STDIN",
  aliases: ["image load", "load"],
  args: { exactly: 0 },
  flags: {
    input: flag.string("Read from tar archive file, instead of STDIN", { short: "i" }),
    platform: flag.string(
      'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { since: "1.48" },
    ),
    quiet: flag.bool("Suppress the load output", { short: "q" }),
  },
  async run(session, { flags }) {
    if (flags.input === "" && isTerminal(0)) throw fail("requested load from stdin, but stdin is empty");
    const body = flags.input === "" ? standardInputBody() : await fileBody(flags.input);
    const platforms = flags.platform ? [parsePlatform(flags.platform)] : undefined;
    const client = await session.client();
    const quiet = flags.quiet || !session.out.isTerminal();
    await showProgress(await client.images.load(body, { quiet, platforms }), session.out);
  },
});

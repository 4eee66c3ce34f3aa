// `volume import`: a volume of a tar archive.
import { fileBody, standardInputBody } from "../../archive-input.ts";
import { asMap, checkLabel } from "../../container-options/key-values.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { isTerminal } from "../../output.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME [FILE|-]",
  about: `Make a volume from a tar archive

The archive may be compressed. Without FILE, or with "-", it is read from STDIN.
A volume of that name must be empty and unused, if there is one. It is there when
it is whole, or not at all.`,
  args: { from: 1, to: 2 },
  flags: { label: flag.listOf("list", checkLabel)("Set metadata for a new volume") },
  async run(session, { args: [name = "", file = "-"], flags }) {
    if (file === "-" && isTerminal(0)) throw fail("requested import from stdin, but stdin is a terminal");
    const body = file === "-" ? standardInputBody() : await fileBody(file);
    const labels = flags.label.length > 0 ? asMap(flags.label) : undefined;
    const { files } = (await session.client()).volumes;
    const made = await files.import(name, body, labels ? { labels } : {});
    await session.out.line(made.Name);
  },
});

// `volume clone`: a copy of a volume.
import { asMap, checkLabel } from "../../container-options/key-values.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME NEW_VOLUME",
  about: `Copy a volume under another name

The copy has the volume's files and labels. It is a local volume without options,
whatever the volume is, and is there when it is whole, or not at all.`,
  args: { exactly: 2 },
  flags: { label: flag.listOf("list", checkLabel)("Set metadata for the copy, beside the volume's") },
  async run(session, { args: [source = "", name = ""], flags }) {
    const labels = asMap(flags.label);
    const made = await (await session.client()).volumes.files.clone(source, name, { labels });
    await session.out.line(made.Name);
  },
});

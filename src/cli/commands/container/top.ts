// `top`: the processes of a container, by the host's ps.
import { alignTabs } from "../../format/tab-writer.ts";
import { command } from "../../framework/command.ts";

export default command({
  synopsis: "CONTAINER [ps OPTIONS]",
  about: "Display the running processes of a container",
  aliases: ["container top", "top"],
  args: { atLeast: 1 },
  stopAtFirst: true,
  flags: {},
  async run(session, { args: [name = "", ...options] }) {
    const { Titles, Processes } = await (await session.client()).containers.top(name, options.join(" "));
    const lines = [Titles ?? [], ...(Processes ?? [])].map((cells) => `${cells.join("\t")}\n`);
    await session.out.write(alignTabs(lines.join(""), { minWidth: 20, padding: 3 }));
  },
});

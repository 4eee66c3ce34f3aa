// `volume create`.
import { asMap, checkLabel } from "../../container-options/key-values.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] [VOLUME]",
  about: "Create a volume",
  args: { atMost: 1 },
  flags: {
    driver: flag.string('Specify volume driver name (default "local")', { short: "d", default: "local" }),
    label: flag.listOf("list", checkLabel)("Set metadata for a volume"),
    name: flag.string("Specify volume name", { hidden: true }),
    opt: flag.map("Set driver specific options (default map[])", { short: "o" }),
  },
  async run(session, { args: [name], flags }) {
    if (name !== undefined && flags.name) {
      throw fail(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    }
    const made = await (await session.client()).volumes.create({
      Name: name ?? flags.name,
      Driver: flags.driver,
      DriverOpts: flags.opt,
      Labels: asMap(flags.label),
    });
    await session.out.line(made.Name);
  },
});

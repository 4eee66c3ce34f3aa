// `volume inspect`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";
import { inspectObjects } from "../inspect-objects.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Display detailed information on one or more volumes",
  args: { atLeast: 1 },
  flags: { format: flag.string(JSON_FORMAT, { short: "f" }) },
  async run(session, { args, flags }) {
    const client = await session.client();
    await inspectObjects(session, args, flags.format, (name) => client.volumes.inspect(name));
  },
});

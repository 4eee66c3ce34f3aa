// `container inspect`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";
import { inspectObjects } from "../inspect-objects.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Display detailed information on one or more containers",
  args: { atLeast: 1 },
  flags: {
    format: flag.string(JSON_FORMAT, { short: "f" }),
    size: flag.bool("Display total file sizes", { short: "s" }),
  },
  async run(session, { args, flags }) {
    const client = await session.client();
    await inspectObjects(session, args, flags.format, (name) =>
      client.containers.inspect(name, { size: flags.size }),
    );
  },
});

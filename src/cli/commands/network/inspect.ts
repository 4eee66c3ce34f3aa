// `network inspect`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";
import { inspectObjects } from "../inspect-objects.ts";

export default command({
  synopsis: "[OPTIONS] NETWORK [NETWORK...]",
  about: "Display detailed information on one or more networks",
  args: { atLeast: 1 },
  flags: {
    format: flag.string(JSON_FORMAT, { short: "f" }),
    verbose: flag.bool("Verbose output for diagnostics", { short: "v" }),
  },
  async run(session, { args, flags }) {
    const client = await session.client();
    await inspectObjects(session, args, flags.format, (name) =>
      client.networks.inspect(name, { verbose: flags.verbose }),
    );
  },
});

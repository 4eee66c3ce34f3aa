// `network disconnect`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] NETWORK CONTAINER",
  about: "Disconnect a container from a network",
  args: { exactly: 2 },
  flags: { force: flag.bool("Force the container to disconnect from a network", { short: "f" }) },
  async run(session, { args: [network = "", container = ""], flags }) {
    await (await session.client()).networks.disconnect(network, container, flags);
  },
});

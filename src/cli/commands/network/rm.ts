// `network rm`.
import { isNotFound, type Network } from "../../../sdk/index.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { confirm } from "../prune.ts";

const INGRESS_WARNING =
  "WARNING! Before removing the routing-mesh network, make sure all the nodes in your swarm run the same docker engine version. Otherwise, removal may not be effective and functionality of newly create ingress networks will be impaired.\nAre you sure you want to continue?";

export default command({
  synopsis: "NETWORK [NETWORK...]",
  about: "Remove one or more networks",
  aliases: ["network rm", "network remove"],
  args: { atLeast: 1 },
  flags: { force: flag.bool("Do not error if the network does not exist", { short: "f" }) },
  async run(session, { args, flags }) {
    const { networks } = await session.client();
    let failed = false;
    for (const name of args) {
      const found = await networks.inspect(name).catch((): Network => ({}));
      if (found.Ingress && !(await confirm(session, INGRESS_WARNING))) continue;
      try {
        await networks.remove(name);
        await session.out.line(name);
      } catch (thrown) {
        if (flags.force && isNotFound(thrown)) continue;
        await session.err.line(describe(thrown));
        failed = true;
      }
    }
    if (failed) throw fail("exit status 1");
  },
});

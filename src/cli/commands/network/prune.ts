// `network prune`: those that no container is connected to.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters } from "../prune.ts";

const WARNING =
  "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?";

export default command({
  synopsis: "[OPTIONS]",
  about: "Remove all unused networks",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    filter: flag.filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  async run(session, { flags }) {
    const filters = await pruneFilters(session, flags.filter);
    if (!flags.force && !(await confirm(session, WARNING))) return;
    const { NetworksDeleted } = await (await session.client()).networks.prune(filters);
    if (NetworksDeleted && NetworksDeleted.length > 0) {
      await session.out.line(`Deleted Networks:\n${NetworksDeleted.join("\n")}\n`);
    }
  },
});

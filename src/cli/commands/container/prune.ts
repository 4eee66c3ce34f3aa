// `container prune`: all that don't run.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters, reclaimed } from "../prune.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "Remove all stopped containers",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    filter: flag.filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  async run(session, { flags }) {
    const filters = await pruneFilters(session, flags.filter);
    const warning = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";
    if (!flags.force && !(await confirm(session, warning))) return;
    const { ContainersDeleted, SpaceReclaimed = 0 } = await (await session.client()).containers.prune(
      filters,
    );
    if (ContainersDeleted && ContainersDeleted.length > 0) {
      await session.out.line(`Deleted Containers:\n${ContainersDeleted.join("\n")}\n`);
    }
    await session.out.line(reclaimed(SpaceReclaimed));
  },
});

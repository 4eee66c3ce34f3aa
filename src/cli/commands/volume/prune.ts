// `volume prune`: those that no container has.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters, reclaimed } from "../prune.ts";

const WARNING = (all: boolean) =>
  `WARNING! This will remove ${all ? "all" : "anonymous"} local volumes not used by at least one container.\nAre you sure you want to continue?`;

export default command({
  synopsis: "[OPTIONS]",
  about: "Remove unused local volumes",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    all: flag.bool("Remove all unused volumes, not just anonymous ones", { short: "a", since: "1.42" }),
    filter: flag.filter('Provide filter values (e.g. "label=<label>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  async run(session, { flags }) {
    const client = await session.client();
    if (flags.all && flags.filter.all) {
      throw fail("conflicting options: cannot specify both --all and --filter all=1");
    }
    const filters = await pruneFilters(session, flags.filter);
    // Daemons before API 1.42 remove all unused ones in any case.
    const all = flags.all || !(await client.connection.supports("1.42"));
    if (flags.all) filters.all = ["true"];
    if (!flags.force && !(await confirm(session, WARNING(all)))) return;
    const { VolumesDeleted, SpaceReclaimed = 0 } = await client.volumes.prune(filters);
    if (VolumesDeleted && VolumesDeleted.length > 0) {
      await session.out.line(`Deleted Volumes:\n${VolumesDeleted.join("\n")}\n`);
    }
    await session.out.line(reclaimed(SpaceReclaimed));
  },
});

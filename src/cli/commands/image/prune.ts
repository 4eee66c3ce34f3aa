// `image prune`: images without a name, or with `-a` all that no container uses.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters, reclaimed } from "../prune.ts";

const WARNINGS = {
  all: "WARNING! This will remove all images without at least one container associated to them.\nAre you sure you want to continue?",
  dangling: "WARNING! This will remove all dangling images.\nAre you sure you want to continue?",
};

export default command({
  synopsis: "[OPTIONS]",
  about: "Remove unused images",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    all: flag.bool("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  async run(session, { flags }) {
    const filters = await pruneFilters(session, { ...flags.filter, dangling: [String(!flags.all)] });
    if (!flags.force && !(await confirm(session, flags.all ? WARNINGS.all : WARNINGS.dangling))) {
      return;
    }
    const { ImagesDeleted, SpaceReclaimed = 0 } = await (await session.client()).images.prune(filters);
    if (ImagesDeleted && ImagesDeleted.length > 0) {
      const lines = ImagesDeleted.map(({ Untagged, Deleted }) =>
        Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`,
      );
      await session.out.line(`Deleted Images:\n${lines.join("\n")}\n`);
    }
    await session.out.line(reclaimed(SpaceReclaimed));
  },
});

// `system prune`: containers, networks, images, build cache and, where asked, volumes that nobody uses.
import type { Client, Filters } from "../../../sdk/index.ts";
import { naturally } from "../../format/natural-order.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters, reclaimed } from "../prune.ts";

interface Choice {
  all: boolean;
  volumes: boolean;
}

export default command({
  synopsis: "[OPTIONS]",
  about: "Remove unused data",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    all: flag.bool("Remove all unused images not just dangling ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "label=<key>=<value>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
    volumes: flag.bool("Prune anonymous volumes"),
  },
  async run(session, { flags }) {
    if (flags.volumes && flags.filter.until) {
      throw fail('ERROR: The "until" filter is not supported with "--volumes"');
    }
    const filters = await pruneFilters(session, flags.filter);
    if (!flags.force && !(await confirm(session, question(flags, filters)))) return;
    const client = await session.client();
    let total = 0;
    for (const step of steps(flags)) {
      const { title, gone, space } = await step(client, filters);
      if (gone.length > 0) {
        await session.out.line(`${title}:\n${gone.join("\n")}\n`);
        total += space;
      }
    }
    await session.out.line(reclaimed(total));
  },
});

type Step = (client: Client, filters: Filters) => Promise<{ title: string; gone: string[]; space: number }>;

function steps({ all, volumes }: Choice): Step[] {
  const list: Step[] = [
    async (client, filters) => {
      const { ContainersDeleted, SpaceReclaimed } = await client.containers.prune(filters);
      return { title: "Deleted Containers", gone: ContainersDeleted ?? [], space: SpaceReclaimed ?? 0 };
    },
    async (client, filters) => {
      const { NetworksDeleted } = await client.networks.prune(filters);
      return { title: "Deleted Networks", gone: NetworksDeleted ?? [], space: 0 };
    },
  ];
  if (volumes) {
    list.push(async (client, filters) => {
      const { VolumesDeleted, SpaceReclaimed } = await client.volumes.prune(filters);
      return { title: "Deleted Volumes", gone: VolumesDeleted ?? [], space: SpaceReclaimed ?? 0 };
    });
  }
  list.push(
    async (client, filters) => {
      const { ImagesDeleted, SpaceReclaimed } = await client.images.prune({
        ...filters,
        dangling: [String(!all)],
      });
      const gone = (ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
        Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`,
      );
      return { title: "Deleted Images", gone, space: SpaceReclaimed ?? 0 };
    },
    async (client, filters) => {
      const { CachesDeleted, SpaceReclaimed } = await client.system.pruneBuildCache(filters, { all });
      return { title: "Deleted build cache objects", gone: CachesDeleted ?? [], space: SpaceReclaimed ?? 0 };
    },
  );
  return list;
}

function question({ all, volumes }: Choice, filters: Filters): string {
  const what = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
    all ? "all build cache" : "unused build cache",
  ];
  const by = ["label", "label!", "until"]
    .flatMap((name) => (filters[name] ?? []).map((value) => `${name}=${value}`))
    .sort(naturally);
  const filtered =
    by.length > 0
      ? `\n\n  Items to be pruned will be filtered with:${by.map((one) => `\n  - ${one}`).join("")}`
      : "";
  return `WARNING! This will remove:${what.map((one) => `\n  - ${one}`).join("")}${filtered}\n\nAre you sure you want to continue?`;
}

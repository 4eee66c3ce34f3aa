// `buildx prune` and `builder prune`: the builder's cache, or what of it fits the filters.
import type { CacheRecord } from "../../../sdk/index.ts";
import { buildFailure } from "../../build-failure.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { cacheFilters } from "../../build-options/cache-filters.ts";
import { builderName } from "../../builder-name.ts";
import { goInstant, since, withTabs } from "../../format/cache-records.ts";
import { humanSize, parseRam } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { confirm, pruneFilters } from "../prune.ts";

const bytes = flag.of("bytes", 0, parseRam);

const WARNING = (what: string) => `WARNING! This will remove all ${what}. Are you sure you want to continue?`;

export const prune = command({
  synopsis: "",
  about: "Remove build cache",
  args: { exactly: 0 },
  shownAs: "buildx prune",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    all: flag.bool("Include internal/frontend images", { short: "a" }),
    filter: flag.filter("Provide filter values"),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
    "keep-storage": {
      ...bytes("", { deprecated: "keep-storage flag has been changed to reserved-space", hidden: true }),
      aliasOf: "reserved-space",
    },
    "max-used-space": bytes("Maximum amount of disk space allowed to keep for cache"),
    "min-free-space": bytes("Target amount of free disk space after pruning"),
    "reserved-space": bytes("Amount of disk space always allowed to keep for cache"),
    verbose: flag.bool("Provide a more verbose output"),
  },
  async run(session, { flags }) {
    try {
      const conditions = cacheFilters(await pruneFilters(session, flags.filter));
      const warning = WARNING(flags.all ? "build cache" : "dangling build cache");
      if (!flags.force && !(await confirm(session, warning))) return;
      await builderName(session, flags.builder);
      let total = 0;
      let header = [["ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED"]];
      const removed = await (await session.client()).builder.prune({
        ...conditions,
        all: flags.all,
        reservedSpace: flags["reserved-space"],
        maxUsedSpace: flags["max-used-space"],
        minFreeSpace: flags["min-free-space"],
      });
      for await (const record of removed) {
        total += record.size;
        if (flags.verbose) {
          await session.out.write(details(record));
          continue;
        }
        await session.out.write(withTabs([...header, cells(record)]));
        header = [];
      }
      await session.out.write(withTabs([["Total:", humanSize(total)]]));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

export default prune;

function cells(one: CacheRecord): string[] {
  return [
    (one.id + (one.mutable ? "*" : "")).padEnd(40),
    String(!one.inUse).padEnd(5),
    (humanSize(one.size) + (one.shared ? "*" : "")).padEnd(10),
    one.lastUsed === undefined ? "" : since(one.lastUsed),
  ];
}

function details(one: CacheRecord): string {
  const rows: string[][] = [["ID", one.id]];
  if (one.parents.length > 0) rows.push(["Parent", one.parents.join(",")]);
  rows.push(
    ["Created at", goInstant(one.created)],
    ["Mutable", String(one.mutable)],
    ["Reclaimable", String(!one.inUse)],
    ["Shared", String(one.shared)],
    ["Size", humanSize(one.size)],
  );
  if (one.description) rows.push(["Description", one.description]);
  rows.push(["Usage count", String(one.usageCount)]);
  if (one.lastUsed !== undefined) rows.push(["Last used", since(one.lastUsed)]);
  if (one.type) rows.push(["Type", one.type]);
  return `${withTabs(rows.map(([name, value = ""]) => [`${name}:`, value]))}\n`;
}

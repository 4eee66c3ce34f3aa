// `system df`: what takes the disk's room.

import { structOf } from "../../../base/template/index.ts";
import { ESCAPES_HTML } from "../../../base/template/values.ts";
import type { BuildCache, ContainerSummary, DiskUsage, ImageSummary } from "../../../sdk/index.ts";
import { describe } from "../../describe.ts";
import { CONTAINERS, containerRow, IMAGES, VOLUMES, volumeRow, wholeImageRow } from "../../format/lists.ts";
import { compile, printRows, type Row, renderRows, row } from "../../format/rows.ts";
import { ago, humanSize, shortId } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

export default command({
  synopsis: "[OPTIONS]",
  about: "Show docker disk usage",
  args: { exactly: 0 },
  since: "1.25",
  flags: {
    format: flag.string(TABLE_FORMAT),
    verbose: flag.bool("Show detailed information on space usage", { short: "v" }),
  },
  async run(session, { flags }) {
    const usage = await (await session.client()).system.diskUsage();
    if (flags.verbose) return verbose(session, usage, flags.format);
    await printRows(session.out, {
      format: flags.format === "raw" ? RAW : flags.format,
      table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
      headers: {
        Type: "TYPE",
        TotalCount: "TOTAL",
        Active: "ACTIVE",
        Size: "SIZE",
        Reclaimable: "RECLAIMABLE",
      },
      rows: summary(usage),
    });
  },
});

const RAW =
  "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\nreclaimable: {{.Reclaimable}}\n";

interface Account {
  /** Go's name of the kind, for errors. */
  kind: string;
  type: string;
  count: number;
  active: number;
  size: number;
  reclaimable: number;
  share?: boolean;
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
const isActive = ({ State }: ContainerSummary) => ["running", "paused", "restarting"].includes(State ?? "");

function summary(usage: DiskUsage): Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = (usage.Volumes ?? []).map(({ UsageData }) => ({
    size: UsageData?.Size ?? -1,
    links: UsageData?.RefCount ?? 0,
  }));
  const caches = usage.BuildCache ?? [];
  const layers = usage.LayersSize ?? 0;
  const known = volumes.filter(({ size }) => size !== -1);
  const own = caches.filter(({ Shared }) => !Shared);
  const cacheSize = (list: BuildCache[]) => sum(list.map(({ Size }) => Size ?? 0));
  return [
    {
      kind: "Images",
      type: "Images",
      count: images.length,
      active: images.filter(({ Containers }) => Containers > 0).length,
      size: layers,
      reclaimable: layers - sum(images.filter(({ Containers }) => Containers !== 0).map(uniqueSize)),
    },
    {
      kind: "Containers",
      type: "Containers",
      count: containers.length,
      active: containers.filter(isActive).length,
      size: sum(containers.map(({ SizeRw }) => SizeRw ?? 0)),
      reclaimable: sum(containers.filter((one) => !isActive(one)).map(({ SizeRw }) => SizeRw ?? 0)),
    },
    {
      kind: "Volumes",
      type: "Local Volumes",
      count: volumes.length,
      active: volumes.filter(({ links }) => links > 0).length,
      size: sum(known.map(({ size }) => size)),
      reclaimable: sum(known.filter(({ links }) => links === 0).map(({ size }) => size)),
    },
    {
      kind: "Builder",
      type: "Build Cache",
      count: caches.length,
      active: caches.filter(({ InUse }) => InUse).length,
      size: cacheSize(own),
      reclaimable: cacheSize(own) - cacheSize(own.filter(({ InUse }) => InUse)),
      share: false,
    },
  ].map(accountRow);
}

function uniqueSize({ Size, SharedSize }: ImageSummary): number {
  return Size === -1 || SharedSize === -1 ? 0 : Size - SharedSize;
}

function accountRow({ kind, type, count, active, size, reclaimable, share = true }: Account): Row {
  const percent = share && size > 0 ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : "";
  return row(`*formatter.diskUsage${kind}Context`, {
    Type: () => type,
    TotalCount: () => String(count),
    Active: () => String(active),
    Size: () => humanSize(size),
    Reclaimable: () => humanSize(reclaimable) + percent,
  });
}

const TABLES = {
  images:
    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
  containers:
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
  volumes: "{{.Name}}\t{{.Links}}\t{{.Size}}",
  caches:
    "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}",
};

const CACHE_HEADERS = {
  ID: "CACHE ID",
  Parent: "PARENT",
  CacheType: "CACHE TYPE",
  Size: "SIZE",
  CreatedSince: "CREATED",
  LastUsedSince: "LAST USED",
  UsageCount: "USAGE",
  InUse: "IN USE",
  Shared: "SHARED",
  Description: "DESCRIPTION",
};

const RAW_CACHE =
  "build_cache_id: {{.ID}}\nparent_id: {{.Parent}}\nbuild_cache_type: {{.CacheType}}\ndescription: {{.Description}}\ncreated_at: {{.CreatedAt}}\ncreated_since: {{.CreatedSince}}\nlast_used_at: {{.LastUsedAt}}\nlast_used_since: {{.LastUsedSince}}\nusage_count: {{.UsageCount}}\nin_use: {{.InUse}}\nshared: {{.Shared}}\n";

const RAW_VERBOSE = [
  ["Images", `type: Image\n${IMAGES.rawWithDigests}`],
  ["Containers", `type: Container\n${CONTAINERS.raw}size: {{.Size}}\n`],
  ["Volumes", `type: Volume\n${VOLUMES.raw}`],
  ["BuildCache", `type: Build Cache\n${RAW_CACHE}`],
]
  .map(([list, each]) => `{{range .${list}}}${each}\n{{end -}}`)
  .join("\n");

async function verbose(session: Session, usage: DiskUsage, format: string): Promise<void> {
  const truncate = format === "" || format.startsWith("table");
  const images = (usage.Images ?? []).map((one) => wholeImageRow(one, { truncate }));
  const containers = (usage.Containers ?? []).map((one) =>
    containerRow({ ...one, SizeRootFs: 0 }, { truncate }),
  );
  const volumes = (usage.Volumes ?? []).map(volumeRow);
  const caches = usage.BuildCache ?? [];
  const cacheRows = [...caches].sort(byUse).map((one) => cacheRow(one, truncate));
  if (format !== "" && format !== "table") {
    const render = await compile(format === "json" ? "{{json .}}" : format === "raw" ? RAW_VERBOSE : format);
    const all = { Images: images, Containers: containers, Volumes: volumes, BuildCache: cacheRows };
    Object.defineProperty(all, ESCAPES_HTML, { value: true });
    try {
      return await session.out.write(render(structOf(all, "*formatter.diskUsageContext")));
    } catch (thrown) {
      throw fail(describe(thrown).replace(/^template parsing error: /, ""));
    }
  }
  const section = (table: string, headers: Record<string, string>, rows: Row[]) =>
    renderRows({ format: "", table, headers, rows });
  const built = sum(caches.filter(({ Shared }) => !Shared).map(({ Size }) => Size ?? 0));
  await session.out.write(
    [
      `Images space usage:\n\n${await section(TABLES.images, IMAGES.headers, images)}`,
      `Containers space usage:\n\n${await section(TABLES.containers, CONTAINERS.headers, containers)}`,
      `Local Volumes space usage:\n\n${await section(TABLES.volumes, VOLUMES.headers, volumes)}`,
      `Build cache usage: ${humanSize(built)}\n\n${await section(TABLES.caches, CACHE_HEADERS, cacheRows)}`,
    ].join("\n"),
  );
}

/** What was used last comes last. */
function byUse(a: BuildCache, b: BuildCache): number {
  const time = ({ LastUsedAt }: BuildCache) => (LastUsedAt ? Date.parse(LastUsedAt) : 0);
  return time(a) - time(b) || (a.Size ?? 0) - (b.Size ?? 0);
}

function cacheRow(one: BuildCache, truncate: boolean): Row {
  const id = truncate ? shortId(one.ID ?? "") : (one.ID ?? "");
  const since = (text: string | null | undefined) => (text ? ago(Date.parse(text) / 1000) : "");
  return row("*formatter.buildCacheContext", {
    ID: () => (one.InUse ? `${id}*` : id),
    Parent: () => (one.Parents ?? []).join(", "),
    CacheType: () => one.Type ?? "",
    Description: () => one.Description ?? "",
    Size: () => humanSize(one.Size ?? 0, 3),
    CreatedAt: () => one.CreatedAt ?? "",
    CreatedSince: () => since(one.CreatedAt),
    LastUsedAt: () => one.LastUsedAt ?? "",
    LastUsedSince: () => since(one.LastUsedAt),
    UsageCount: () => String(one.UsageCount ?? 0),
    InUse: () => String(one.InUse ?? false),
    Shared: () => String(one.Shared ?? false),
  });
}

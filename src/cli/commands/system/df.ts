// `system df`: what takes the disk's room.
import type { BuildCache, ContainerSummary, DiskUsage, ImageSummary } from "../../../sdk/index.ts";
import { CONTAINERS, containerRow, IMAGES, imageRows, VOLUMES, volumeRow } from "../../format/lists.ts";
import { compile, printRows, type Row, renderRows, row } from "../../format/rows.ts";
import { ago, humanSize, shortId } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";
import { structOf } from "../../template/index.ts";
import { ESCAPES_HTML } from "../../template/values.ts";
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
      format: flags.format,
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

interface Account {
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
      type: "Images",
      count: images.length,
      active: images.filter(({ Containers }) => Containers > 0).length,
      size: layers,
      reclaimable: layers - sum(images.filter(({ Containers }) => Containers !== 0).map(uniqueSize)),
    },
    {
      type: "Containers",
      count: containers.length,
      active: containers.filter(isActive).length,
      size: sum(containers.map(({ SizeRw }) => SizeRw ?? 0)),
      reclaimable: sum(containers.filter((one) => !isActive(one)).map(({ SizeRw }) => SizeRw ?? 0)),
    },
    {
      type: "Local Volumes",
      count: volumes.length,
      active: volumes.filter(({ links }) => links > 0).length,
      size: sum(known.map(({ size }) => size)),
      reclaimable: sum(known.filter(({ links }) => links === 0).map(({ size }) => size)),
    },
    {
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

function accountRow({ type, count, active, size, reclaimable, share = true }: Account): Row {
  const percent = share && size > 0 ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : "";
  return row("*formatter.diskUsageContext", {
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

async function verbose(session: Session, usage: DiskUsage, format: string): Promise<void> {
  const truncate = format === "" || format.startsWith("table");
  const images = (usage.Images ?? []).flatMap((one) =>
    // One line an image: its first name stands for all.
    imageRows(one, { truncate, digests: false, showsDigest: false }).slice(0, 1),
  );
  const containers = (usage.Containers ?? []).map((one) =>
    containerRow({ ...one, SizeRootFs: 0 }, { truncate }),
  );
  const volumes = (usage.Volumes ?? []).map(volumeRow);
  const caches = usage.BuildCache ?? [];
  const cacheRows = [...caches].sort(byUse).map((one) => cacheRow(one, truncate));
  if (format !== "" && format !== "table") {
    const render = await compile(format === "json" ? "{{json .}}" : format);
    const all = { Images: images, Containers: containers, Volumes: volumes, BuildCache: cacheRows };
    Object.defineProperty(all, ESCAPES_HTML, { value: true });
    await session.out.write(render(structOf(all, "*formatter.diskUsageContext")));
    return;
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

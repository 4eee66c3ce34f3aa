// The builder's cache as `du` and `prune` show it.
import type { CacheRecord, Instant } from "../../sdk/index.ts";
import { type Row, row } from "./rows.ts";
import { ago, goTime, humanSize } from "./units.ts";

export const CACHE_RECORDS = {
  table: "{{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}",
  headers: {
    ID: "ID",
    Parents: "PARENTS",
    CreatedAt: "CREATED AT",
    Mutable: "MUTABLE",
    Reclaimable: "RECLAIMABLE",
    Shared: "SHARED",
    Size: "SIZE",
    Description: "DESCRIPTION",
    UsageCount: "USAGE COUNT",
    LastUsedAt: "LAST ACCESSED",
    Type: "TYPE",
  },
};

/** A moment as Go prints it, with its fraction. */
export function goInstant(instant: Instant): string {
  const [date = "", time = "", ...zone] = goTime(Number(instant / 1_000_000_000n)).split(" ");
  const fraction = String(instant % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return [date, fraction ? `${time}.${fraction}` : time, ...zone].join(" ");
}

export const since = (instant: Instant): string => ago(Number(instant) / 1e9);

/** `inTable`: with marks for what is mutable and shared. */
export function cacheRow(one: CacheRecord, inTable: boolean): Row {
  return row("*commands.diskusageContext", {
    ID: () => one.id + (inTable && one.mutable ? "*" : ""),
    Parents: () => (one.parents.length > 0 ? one.parents : null),
    CreatedAt: () => goInstant(one.created),
    Mutable: () => one.mutable,
    Reclaimable: () => !one.inUse,
    Shared: () => one.shared,
    Size: () => humanSize(one.size) + (inTable && one.shared ? "*" : ""),
    Description: () => one.description,
    UsageCount: () => one.usageCount,
    LastUsedAt: () => (one.lastUsed === undefined ? "" : since(one.lastUsed)),
    Type: () => one.type,
  });
}

/** A record in full, a field a line; ends with an empty line. */
export function cacheDetails(one: CacheRecord): string {
  const lines: Array<string | undefined | false> = [
    `ID:           ${one.id}`,
    one.parents.length > 0 ? `Parents:\n${one.parents.map((id) => ` - ${id}`).join("\n")}` : undefined,
    `Created at:   ${goInstant(one.created)}`,
    `Mutable:      ${one.mutable}`,
    `Reclaimable:  ${!one.inUse}`,
    `Shared:       ${one.shared}`,
    `Size:         ${humanSize(one.size)}`,
    one.description && `Description:  ${one.description}`,
    `Usage count:  ${one.usageCount}`,
    one.lastUsed !== undefined && `Last used:    ${since(one.lastUsed)}`,
    one.type && `Type:         ${one.type}`,
  ];
  return `${lines.filter(Boolean).join("\n")}\n\n`;
}

/** Sums below the list. */
export function cacheSummary(records: CacheRecord[]): string {
  const sum = (of: CacheRecord[]) => of.reduce((total, { size }) => total + size, 0);
  const total = sum(records);
  const shared = sum(records.filter((one) => one.shared));
  const rows: Array<[string, string]> =
    shared > 0
      ? [
          ["Shared:", humanSize(shared)],
          ["Private:", humanSize(total - shared)],
        ]
      : [];
  rows.push(
    ["Reclaimable:", humanSize(sum(records.filter(({ inUse }) => !inUse)))],
    ["Total:", humanSize(total)],
  );
  return withTabs(rows);
}

const TAB = 8;

/** Cells filled up with tabs, as Go's tabwriter does when its padding is a tab. What follows a line's last cell stands as it is. */
export function withTabs(rows: string[][]): string {
  const widths: number[] = [];
  for (const cells of rows)
    for (const [at, cell] of cells.slice(0, -1).entries())
      widths[at] = Math.max(widths[at] ?? 0, Math.ceil((cell.length + 1) / TAB) * TAB);
  return rows
    .map((cells) => {
      const filled = cells
        .slice(0, -1)
        .map((cell, at) => cell + "\t".repeat(Math.ceil(((widths[at] ?? 0) - cell.length) / TAB)));
      return `${filled.join("")}${cells.at(-1) ?? ""}\n`;
    })
    .join("");
}

// `--filter` of `du` and `prune`, in BuildKit's form (docker/buildx commands/prune.go).
import { parseDuration } from "../framework/flags.ts";

export interface CacheFilters {
  filters: string[];
  /** Nanoseconds. */
  unusedFor: number;
}

/** Throws with buildx's words. */
export function cacheFilters(given: Record<string, string[]>): CacheFilters {
  const { until = [], "unused-for": unused = [], ...others } = given;
  if (until.length > 0 && unused.length > 0) throw new Error('conflicting filters "until" and "unused-for"');
  const times = [...until, ...unused];
  if (times.length > 1) throw new Error("filters expect only one value");
  const conditions = Object.entries(others).map(([key, values]) => {
    if (values.length > 1) throw new Error("filters expect only one value");
    const [value = ""] = values;
    if (key === "id") return `id~=${value}`;
    return /[!~]$/.test(key) ? `${key}=${value}` : `${key}==${value}`;
  });
  return { filters: [conditions.join(",")], unusedFor: times[0] ? duration(times[0], unused.length > 0) : 0 };
}

function duration(text: string, unused: boolean): number {
  try {
    return parseDuration(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`"${unused ? "unused-for" : "until"}" filter expects a duration (e.g., '24h'): ${why}`);
  }
}

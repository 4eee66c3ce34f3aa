// The warnings of a build, after it.
import type { BuildWarning } from "../../sdk/index.ts";
import { excerpt } from "./excerpt.ts";

const YELLOW = "\x1b[33m";
const RESET = "\x1b[0m";

/** Once each, as they came: a build for several platforms warns for each. */
export function uniqueWarnings(warnings: BuildWarning[]): BuildWarning[] {
  const seen = new Set<string>();
  return warnings.filter((warning) => {
    const key = JSON.stringify([warning.short, warning.detail, warning.url, warning.ranges]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** `expanded` with `--debug`: what each is about, and where. */
export function warningSummary(warnings: BuildWarning[], expanded: boolean): string {
  if (warnings.length === 0) return "";
  const count = warnings.length === 1 ? "1 warning found" : `${warnings.length} warnings found`;
  const hint = expanded ? "" : " (use docker --debug to expand)";
  const lines = warnings.map((warning) => ` - ${warning.short}\n${expanded ? details(warning) : ""}`);
  return `\n ${YELLOW}${count}${hint}:\n${RESET}${lines.join("")}`;
}

function details({ detail, url, source, ranges }: BuildWarning): string {
  const place =
    source &&
    excerpt({
      file: source.filename,
      text: Buffer.from(source.data).toString(),
      ranges: ranges.map(({ start, end }) => ({
        start: start?.line ?? 0,
        end: Math.max(start?.line ?? 0, end?.line ?? 0),
      })),
    });
  return [...detail.map((line) => `${line}\n`), url && `More info: ${url}\n`, place, "\n"]
    .filter(Boolean)
    .join("");
}

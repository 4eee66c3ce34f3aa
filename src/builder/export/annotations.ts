// `annotation.KEY=VALUE` and its kin (BuildKit, exporter/containerimage/exptypes/annotations.go): for manifests, indexes and their
// descriptors, of one platform or of all.
import { invalid } from "../../base/errors.ts";
import { formatPlatformWithVersion, normalizePlatform, parsePlatform } from "../../oci/platform.ts";

const FORM = /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/;

const LEVELS = ["manifest", "manifest-descriptor", "index", "index-descriptor"] as const;
type Level = (typeof LEVELS)[number];

interface Annotation {
  level: Level;
  /** As text; absent: all. */
  platform?: string;
  key: string;
  value: string;
}

export type Annotations = readonly Annotation[];

/** Errors: invalid, for a level or a platform that isn't one. */
export function readAnnotations(attributes: Iterable<readonly [string, string]>): Annotations {
  const found: Annotation[] = [];
  for (const [name, value] of attributes) {
    const [, level = "manifest", platform, key] = FORM.exec(name) ?? [];
    if (!key) continue;
    const known = LEVELS.find((each) => each === level);
    if (!known) throw invalid(`unrecognized annotation type ${level}`);
    const only = platform && formatPlatformWithVersion(normalizePlatform(parsePlatform(platform)));
    found.push({ level: known, key, value, ...(only && { platform: only }) });
  }
  return found;
}

/** Errors: invalid, for a platform that isn't built. */
export function checkAnnotations(all: Annotations, platforms: readonly string[]): void {
  for (const { platform } of all)
    if (platform !== undefined && !platforms.includes(platform))
      throw invalid(`invalid annotation: no platform ${platform} found in source`);
}

export const hasLevel = (all: Annotations, ...levels: Level[]): boolean =>
  all.some(({ level }) => levels.includes(level));

/** Sorted by their keys; undefined when there are none. Those of an index are for no platform. */
export function annotationsOf(
  all: Annotations,
  level: Level,
  platform?: string,
): Record<string, string> | undefined {
  const general = level.startsWith("index");
  const fit = all.filter(
    (each) => each.level === level && (general || each.platform === undefined || each.platform === platform),
  );
  if (fit.length === 0) return undefined;
  // Those of one platform count more than those of all.
  fit.sort((a, b) => Number(a.platform !== undefined) - Number(b.platform !== undefined));
  return sortedRecord(Object.fromEntries(fit.map(({ key, value }) => [key, value])));
}

/** As Go writes its maps. */
export const sortedRecord = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

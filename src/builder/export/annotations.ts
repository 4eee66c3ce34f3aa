// `annotation.KEY=VALUE` and its kin (BuildKit, exporter/containerimage/exptypes/annotations.go): for manifests, indexes and their
// descriptors, of one platform or of all.
const FORM = /^annotation(?:-(manifest|manifest-descriptor|index|index-descriptor))?(?:\[([^\]]+)\])?\.(.+)$/;

type Level = "manifest" | "manifest-descriptor" | "index" | "index-descriptor";

interface Annotation {
  level: Level;
  /** As text; absent: all. */
  platform?: string;
  key: string;
  value: string;
}

export type Annotations = readonly Annotation[];

export function readAnnotations(attributes: Readonly<Record<string, string>>): Annotations {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const [, level = "manifest", platform, key] = FORM.exec(name) ?? [];
    return key ? [{ level: level as Level, key, value, ...(platform && { platform }) }] : [];
  });
}

/** To spread into a manifest, an index or a descriptor. */
export function annotationsFor(
  all: Annotations,
  level: Level,
  platform: string | undefined,
): { annotations?: Record<string, string> } {
  const fit = all.filter(
    (each) => each.level === level && (each.platform === undefined || each.platform === platform),
  );
  if (fit.length === 0) return {};
  return { annotations: Object.fromEntries(fit.map(({ key, value }) => [key, value])) };
}

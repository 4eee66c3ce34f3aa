// What `--check` found, a warning after the other with its lines (BuildKit frontend/subrequests/lint).
import { excerpt } from "../build-progress/excerpt.ts";

interface Location {
  sourceIndex?: number;
  ranges?: Array<{ start?: { line?: number }; end?: { line?: number } }>;
}
interface LintWarning {
  ruleName: string;
  description?: string;
  url?: string;
  detail?: string;
  location?: Location;
}
interface LintResult {
  warnings?: LintWarning[] | null;
  sources?: Array<{ filename: string; data?: string }> | null;
  buildError?: { message: string; location?: Location };
}

export interface LintAnswer {
  text: string;
  /** Why the Dockerfile can't be built, or mustn't: for the end, apart from the answer itself. */
  failure?: string;
}

/** `dockerfile`: how the person calls it. */
export function lintAnswer(json: string, dockerfile: string): LintAnswer {
  const result = (json ? JSON.parse(json) : {}) as LintResult;
  const warnings = [...(result.warnings ?? [])].sort(byPlace);
  const place = (location: Location | undefined) => {
    const source = result.sources?.[location?.sourceIndex ?? 0];
    if (!source || !location) return "";
    return excerpt(
      {
        file: source.filename,
        text: Buffer.from(source.data ?? "", "base64").toString(),
        ranges: (location.ranges ?? []).map(({ start, end }) => {
          const first = start?.line ?? 0;
          return { start: first, end: Math.max(first, end?.line ?? 0) };
        }),
      },
      dockerfile,
    );
  };
  const texts = warnings.map(({ ruleName, url, detail, location }) => {
    const more = url ? ` - ${url}` : "";
    return `\nWARNING: ${ruleName}${more}\n${detail ?? ""}\n${place(location)}`;
  });
  const found = texts.length > 0 ? summary(texts.length) + texts.join("") : "";
  const { buildError } = result;
  if (buildError)
    return {
      text: found && `${found}\n`,
      failure: `ERROR: ${buildError.message}\n${place(buildError.location)}`.trimEnd(),
    };
  return { text: found || "Check complete, no warnings found.\n" };
}

function summary(count: number): string {
  return count === 1
    ? "Check complete, 1 warning has been found!\n"
    : `Check complete, ${count} warnings have been found!\n`;
}

function byPlace(a: LintWarning, b: LintWarning): number {
  const line = ({ location }: LintWarning) => location?.ranges?.[0]?.start?.line ?? 0;
  return (a.location?.sourceIndex ?? 0) - (b.location?.sourceIndex ?? 0) || line(a) - line(b);
}

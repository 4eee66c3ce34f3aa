// The answer to `docker build --check`: warnings, the file they are in, and the error that a build would end with.
import { messageOf } from "../../../base/errors.ts";
import { excerpt } from "../../../buildkit/llb/index.ts";
import type { Definition } from "../../../buildkit/messages/ops_pb.ts";
import type { Warning } from "../checks/index.ts";
import { DockerfileError, rangesOf, type SourceRange } from "../source.ts";
import type { Entrypoint } from "./context.ts";
import { LocatedError } from "./located-error.ts";
import { rangesJson } from "./location-json.ts";

/** `failure`: what the conversion threw. Errors: what was thrown because the build was given up. */
export function lintReport(entrypoint: Entrypoint, warnings: readonly Warning[], failure?: unknown) {
  if (failure instanceof Error && failure.name === "AbortError") throw failure;
  const { filename, data, language, definition } = entrypoint.file;
  const json = {
    warnings: warnings.length === 0 ? null : warnings.map(warningJson),
    sources: [
      {
        filename,
        data: base64(data),
        ...(definition && { definition: definitionJson(definition) }),
        language,
      },
    ],
    ...(failure !== undefined && { buildError: errorJson(failure) }),
  };
  const sorted = warnings.toSorted((a, b) => lineOf(a) - lineOf(b));
  const text = sorted.map((warning) => warningText(warning, filename, data)).join("");
  return { json, text, status: warnings.length > 0 || failure !== undefined ? 1 : 0 };
}

const lineOf = ({ ranges }: Warning): number => ranges[0]?.start.line ?? 0;

const warningJson = ({ rule, description, url, message, ranges }: Warning) => ({
  ruleName: rule,
  ...(description && { description }),
  ...(url && { url }),
  ...(message && { detail: message }),
  location: rangesJson(ranges),
});

function warningText({ rule, url, message, ranges }: Warning, filename: string, data: Uint8Array): string {
  const link = url ? ` - ${url}` : "";
  return `\nWARNING: ${rule}${link}\n${message}\n${excerpt(filename, data, ranges)}`;
}

const errorJson = (failure: unknown) => ({
  message: messageOf(failure),
  location: rangesJson(mergedRanges(placesOf(failure))),
});

function placesOf(failure: unknown): readonly SourceRange[] {
  if (failure instanceof LocatedError) return failure.places.flat();
  return failure instanceof DockerfileError ? failure.places.flatMap(rangesOf) : [];
}

/** By line; what overlaps becomes one. */
function mergedRanges(ranges: readonly SourceRange[]): SourceRange[] {
  const merged: SourceRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start.line - b.start.line)) {
    const last = merged.at(-1);
    if (last && range.start.line <= last.end.line) {
      const line = Math.max(last.end.line, range.end.line);
      merged[merged.length - 1] = { ...last, end: { ...last.end, line } };
    } else merged.push(range);
  }
  return merged;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** As Go writes pb.Definition: what is empty is left out. */
function definitionJson({ def, metadata }: Definition) {
  const entries = Object.entries(metadata).map(([digest, { description, ignoreCache }]) => [
    digest,
    { ...(ignoreCache && { ignore_cache: true }), description },
  ]);
  const locations = Object.fromEntries(Object.keys(metadata).map((digest) => [digest, {}]));
  return { def: def.map(base64), metadata: Object.fromEntries(entries), Source: { locations } };
}

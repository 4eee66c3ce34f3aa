// What a build leaves for whoever called it: the image's id, in a file or on standard output, and what exporters say.
import { rename, writeFile } from "node:fs/promises";
import { goJson } from "../base/go-json.ts";
import type { BuildWarning } from "../sdk/index.ts";
import { rawWarning } from "./build-progress/raw-json.ts";
import { fail } from "./framework/failure.ts";

type Response = Record<string, string>;

/** The id as the engine has it: its config's digest where it keeps images so. */
export const imageId = (response: Response): string =>
  response["containerimage.config.digest"] ?? response["containerimage.digest"] ?? "";

/** Values that are JSON in base64 become JSON; `result.json` is JSON as it is. */
export function decodeResponse(response: Response): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(response).map(([key, value]) => [key, decoded(key, value) ?? value]),
  );
}

function decoded(key: string, value: string): unknown {
  const text = key === "result.json" ? value : fromBase64(value);
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed.length > 0 && parsed.every(isObject) ? parsed : undefined;
    return isObject(parsed) && Object.keys(parsed).length > 0 ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function fromBase64(text: string): string | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  return Buffer.from(text, "base64").toString();
}

/** Whole or not at all. */
export async function writeMetadata(
  path: string,
  response: Response,
  provenance: Record<string, unknown>,
  warnings: BuildWarning[],
): Promise<void> {
  const content: Record<string, unknown> = { ...decodeResponse(response), ...provenance };
  if (warnings.length > 0) content["buildx.build.warnings"] = warnings.map(rawWarning);
  await writeSorted(path, content);
}

/** The keys in their order, as Go writes a map. */
export async function writeSorted(path: string, content: Record<string, unknown>): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1)));
  const draft = `${path}.${process.pid}.part`;
  try {
    await writeFile(draft, goJson(sorted, 2), { mode: 0o644 });
    await rename(draft, path);
  } catch (thrown) {
    throw fail(`ERROR: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

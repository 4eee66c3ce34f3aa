// An image's config, made to fit its layers: the frontend knows what ran, the exporter what it left (BuildKit,
// exporter/containerimage/writer.go: patchImageConfig, normalizeLayersAndHistory).
import { invalid, messageOf } from "../../base/errors.ts";
import { encodeJson } from "../../oci/json.ts";
import type { HistoryEntry, ImageConfig, Platform } from "../../oci/types.ts";
import type { LayerBlob } from "../types.ts";
import { sortedRecord } from "./annotations.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const COMMENT = "buildkit.exporter.image.v0";

export interface FitOptions {
  platform: Platform;
  /** SOURCE_DATE_EPOCH in seconds: nothing is younger. */
  epoch?: number;
  /** Of the base image, whose own times stay. */
  base?: ImageConfig;
  /** `moby.buildkit.cache.v0`. */
  inlineCache?: Uint8Array;
}

/**
 * The config's bytes; what of it isn't known here goes through. A step that is taken from the cache has the time of when it ran:
 * the same build gives the same image. Errors: invalid, for a config that isn't one.
 */
export function fitConfig(
  bytes: Uint8Array | undefined,
  layers: readonly LayerBlob[],
  options: FitOptions,
): Uint8Array {
  const config = bytes && bytes.length > 0 ? parse(bytes) : emptyConfig(options.platform);
  if (!config.os) throw invalid("invalid image config for export: missing os");
  if (!config.architecture) throw invalid("invalid image config for export: missing architecture");
  const history = clamped(fitHistory(config.history ?? [], layers), options);
  const created = createdOf(config, history, options.epoch);
  const { inlineCache } = options;
  return encodeJson(
    sortedRecord({
      ...config,
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: history.map(inOrder),
      created,
      ...(inlineCache && { "moby.buildkit.cache.v0": Buffer.from(inlineCache).toString("base64") }),
    }),
  );
}

function parse(bytes: Uint8Array): ImageConfig {
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (thrown) {
    throw invalid(`invalid image config for export: ${messageOf(thrown)}`, thrown);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw invalid("invalid null image config for export");
  return config as ImageConfig;
}

const emptyConfig = ({ os, architecture, variant }: Platform): ImageConfig => ({
  architecture,
  os,
  ...(variant && { variant }),
  config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: "/" },
  rootfs: { type: "layers", diff_ids: [] },
});

function createdOf(
  { created }: ImageConfig,
  history: readonly HistoryEntry[],
  epoch: number | undefined,
): string | null {
  if (created && epoch !== undefined && Date.parse(created) > epoch * 1000) return instant(epoch);
  return created ?? history.findLast((entry) => entry.created)?.created ?? null;
}

/** As many entries with a layer as there are layers, each entry with a time. */
function fitHistory(entries: readonly HistoryEntry[], layers: readonly LayerBlob[]): HistoryEntry[] {
  let layer = 0;
  const history = entries.map((entry): HistoryEntry => {
    if (entry.empty_layer) return { ...entry };
    if (layer >= layers.length) return { ...entry, empty_layer: true };
    const created = entry.created ?? layers[layer]?.createdAt;
    layer++;
    return { ...entry, ...(created && { created }) };
  });
  for (const { createdAt } of layers.slice(layer))
    history.push({
      ...(createdAt && { created: createdAt }),
      created_by: "created by buildkit",
      comment: COMMENT,
    });
  return withTimes(history);
}

/** What changed no file has the time of the first layer that is new, later ones that of the one before. */
function withTimes(history: HistoryEntry[]): HistoryEntry[] {
  const gap = history.findIndex(({ created }) => !created);
  const after = gap < 0 ? undefined : history.slice(gap).find(({ created }) => created);
  let last = (after ?? history.findLast(({ created }) => created))?.created;
  let missed = false;
  return history.map((entry) => {
    if (entry.created) {
      if (missed) last = entry.created;
      return entry;
    }
    missed = true;
    return { ...entry, ...(last && { created: last }) };
  });
}

function clamped(history: HistoryEntry[], { epoch, base }: FitOptions): HistoryEntry[] {
  if (epoch === undefined) return history;
  const same = (entry: HistoryEntry, at: number) => {
    const before = base?.history?.[at];
    return before !== undefined && JSON.stringify(inOrder(before)) === JSON.stringify(inOrder(entry));
  };
  const own = history.findIndex((entry, at) => !same(entry, at));
  return history.map((entry, at) =>
    own < 0 || at < own || (entry.created && Date.parse(entry.created) <= epoch * 1000)
      ? entry
      : { ...entry, created: instant(epoch) },
  );
}

/** As Go orders the fields of an entry. */
function inOrder({ created, created_by, author, comment, empty_layer }: HistoryEntry): HistoryEntry {
  return {
    ...(created && { created }),
    ...(created_by && { created_by }),
    ...(author && { author }),
    ...(comment && { comment }),
    ...(empty_layer && { empty_layer }),
  };
}

/** RFC 3339 without a fraction. */
export const instant = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace(".000", "");

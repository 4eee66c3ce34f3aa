// An image's config, made to fit its layers: the frontend knows what ran, the exporter what it left.
import { invalid, messageOf } from "../../base/errors.ts";
import type { Digest } from "../../oci/digest.ts";
import type { HistoryEntry, ImageConfig, Platform } from "../../oci/types.ts";
import type { LayerBlob } from "../types.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Errors: invalid, for a config that isn't JSON. */
export function fitConfig(
  bytes: Uint8Array | undefined,
  layers: readonly LayerBlob[],
  { platform, created }: { platform: Platform; created?: string },
): ImageConfig {
  const config = bytes ? parse(bytes) : emptyConfig(platform);
  const time = created ?? new Date().toISOString();
  const history = fitHistory(config.history ?? [], layers.length, time);
  return {
    ...config,
    created: created ?? lastOf(history) ?? time,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }): Digest => diffId) },
    history,
  };
}

function parse(bytes: Uint8Array): ImageConfig {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as ImageConfig;
  } catch (thrown) {
    throw invalid(`failed to unmarshal image config: ${messageOf(thrown)}`, thrown);
  }
}

const emptyConfig = (platform: Platform): ImageConfig => ({
  ...platform,
  config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: "/" },
  rootfs: { type: "layers", diff_ids: [] },
});

/** As many entries with a layer as there are layers; a time for each that has none. */
function fitHistory(entries: readonly HistoryEntry[], layers: number, time: string): HistoryEntry[] {
  let left = layers;
  const fitted = entries.map((entry): HistoryEntry => {
    if (entry.empty_layer) return { ...entry };
    if (left > 0) {
      left--;
      return { ...entry };
    }
    return { ...entry, empty_layer: true };
  });
  for (; left > 0; left--) fitted.push({ created_by: "unknown", comment: "buildkit.exporter.image.v0" });
  return fitted.map((entry) => (entry.created ? entry : { created: time, ...entry }));
}

const lastOf = (history: readonly HistoryEntry[]): string | undefined => history.at(-1)?.created;

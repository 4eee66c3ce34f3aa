// An image's config, made to fit its layers: the frontend knows what ran, the exporter what it left.
import { invalid, messageOf } from "../../base/errors.ts";
import type { Digest } from "../../oci/digest.ts";
import type { HistoryEntry, ImageConfig, Platform } from "../../oci/types.ts";
import type { LayerBlob } from "../types.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A step that is taken from the cache has the time of when it ran: the same build gives the same image. Errors: invalid, for a
 * config that isn't JSON.
 */
export function fitConfig(
  bytes: Uint8Array | undefined,
  layers: readonly LayerBlob[],
  { platform, epoch }: { platform: Platform /** SOURCE_DATE_EPOCH */; epoch?: string },
): ImageConfig {
  const config = bytes ? parse(bytes) : emptyConfig(platform);
  const history = fitHistory(config.history ?? [], layers, epoch);
  const created = epoch ?? history.at(-1)?.created ?? config.created ?? new Date().toISOString();
  return {
    ...config,
    created,
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

/** As many entries with a layer as there are layers; each with a time, those without a layer with that of the one before. */
function fitHistory(
  entries: readonly HistoryEntry[],
  layers: readonly LayerBlob[],
  epoch: string | undefined,
): HistoryEntry[] {
  const left = [...layers];
  const fitted: HistoryEntry[] = [];
  const take = (entry: HistoryEntry) => {
    const layer = entry.empty_layer ? undefined : left.shift();
    const created = entry.created ?? epoch ?? layer?.createdAt ?? fitted.at(-1)?.created;
    fitted.push({
      ...(created && { created }),
      ...entry,
      ...(!entry.empty_layer && !layer && { empty_layer: true }),
    });
  };
  for (const entry of entries) take(entry);
  while (left.length > 0) take({ comment: "buildkit.exporter.image.v0" });
  const first = fitted.find(({ created }) => created)?.created;
  return fitted.map((entry) => (entry.created || !first ? entry : { created: first, ...entry }));
}

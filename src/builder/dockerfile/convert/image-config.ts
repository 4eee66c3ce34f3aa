// Image configurations as registries and clients give them: read with no trust, and finished for export.

import { invalid, messageOf } from "../../../base/errors.ts";
import { normalizePlatform } from "../../../oci/platform.ts";
import { RUN_CONFIG_FIELDS } from "../../../oci/run-config.ts";
import type { ImageConfig, ImageRunConfig, Platform } from "../../../oci/types.ts";
import type { Values } from "../plan/index.ts";

/** Errors: invalid. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (thrown) {
    throw invalid(`failed to parse image config: ${messageOf(thrown)}`, thrown);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("failed to parse image config: it is no JSON object");
  const read = value as Partial<ImageConfig>;
  const rootfs = {
    type: "layers" as const,
    diff_ids: Array.isArray(read.rootfs?.diff_ids) ? read.rootfs.diff_ids : [],
  };
  return { ...read, os: read.os ?? "", architecture: read.architecture ?? "", rootfs };
}

/** No layers, and (images of the first schema don't say their layers) no history of any: nothing to fetch. */
export const isEmptyImage = ({ rootfs, history = [] }: ImageConfig): boolean =>
  rootfs.diff_ids.length === 0 && history.every(({ empty_layer }) => empty_layer === true);

/** The result's configuration: with the build's labels; `platform`: what was asked for, undefined: nothing. */
export function finishImage(image: ImageConfig, labels: Values, platform: Platform | undefined): ImageConfig {
  const Labels = { ...image.config?.Labels, ...Object.fromEntries(labels) };
  const config = asGoWrites({ ...image.config, Labels });
  const wanted = platform ? withPlatform(image, platform) : image;
  const { os, architecture, variant } = wanted;
  const normal = normalizePlatform({ os, architecture, ...(variant && { variant }) });
  const { variant: _, ...rest } = wanted;
  // A path of the build's is one of the other kind there.
  if (normal.os === "windows" && config.WorkingDir)
    config.WorkingDir = config.WorkingDir.replaceAll("/", "\\");
  return { ...rest, ...normal, config };
}

const HEALTH = ["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"] as const;

/** As Go writes it: in this order, maps by their keys; what says nothing is left out, and so is what Docker doesn't know. */
function asGoWrites({ Healthcheck, ...config }: ImageRunConfig): ImageRunConfig {
  const health = Healthcheck && picked(Healthcheck, HEALTH);
  const maps = {
    ExposedPorts: sorted(config.ExposedPorts ?? {}),
    Volumes: sorted(config.Volumes ?? {}),
    Labels: sorted(config.Labels ?? {}),
  };
  return picked({ ...config, ...maps, ...(health && { Healthcheck: health }) }, RUN_CONFIG_FIELDS);
}

function picked<T extends object>(value: T, names: readonly (keyof T)[]): T {
  const isEmpty = (each: unknown): boolean =>
    !each || (typeof each === "object" && Object.keys(each).length === 0);
  return Object.fromEntries(
    names.flatMap((name) => (isEmpty(value[name]) ? [] : [[name, value[name]]])),
  ) as T;
}

const sorted = <V>(map: Readonly<Record<string, V>>): Record<string, V> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));

function withPlatform(image: ImageConfig, platform: Platform): ImageConfig {
  const same = platform.os === image.os && platform.architecture === image.architecture;
  const { variant, "os.version": version, "os.features": features, ...rest } = image;
  const [newVariant, newVersion] = same
    ? [platform.variant || variant, platform["os.version"] || version]
    : [platform.variant, platform["os.version"]];
  const newFeatures = platform["os.features"] ?? features;
  return {
    ...rest,
    os: platform.os,
    architecture: platform.architecture,
    ...(newVariant && { variant: newVariant }),
    ...(newVersion && { "os.version": newVersion }),
    ...(newFeatures && { "os.features": newFeatures }),
  };
}

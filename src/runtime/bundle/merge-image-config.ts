// A container's settings are the user's, and the image's where the user said nothing.
import type { ContainerConfig } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";
import type { ImageRunConfig } from "../../oci/types.ts";

const filled = <T>(list: T[] | null | undefined): list is T[] => (list?.length ?? 0) > 0;
const nameOf = (entry: string) => entry.split("=")[0] ?? entry;

/**
 * The settings to keep with the container and to show by inspect. Maps are joined, the user's entries win; the image's
 * command goes with the image's entrypoint only. An entrypoint of one empty word takes the image's away.
 * Errors: invalid "no command specified".
 */
export function mergeImageConfig(config: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const names = new Set((config.Env ?? []).map(nameOf));
  const replaced = filled(config.Entrypoint);
  const entrypoint = config.Entrypoint ?? image.Entrypoint ?? undefined;
  const merged: ContainerConfig = {
    ...config,
    User: config.User || image.User || "",
    ExposedPorts: { ...image.ExposedPorts, ...config.ExposedPorts },
    Env: [...(config.Env ?? []), ...(image.Env ?? []).filter((entry) => !names.has(nameOf(entry)))],
    Labels: { ...image.Labels, ...config.Labels },
    Cmd: filled(config.Cmd) || replaced ? config.Cmd : (image.Cmd ?? undefined),
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === "" ? undefined : entrypoint,
    WorkingDir: config.WorkingDir || image.WorkingDir || "",
    Volumes: { ...config.Volumes, ...image.Volumes },
    StopSignal: config.StopSignal || image.StopSignal,
    Healthcheck: mergeHealthcheck(config.Healthcheck, image.Healthcheck),
  };
  if (!filled(merged.Entrypoint) && !filled(merged.Cmd)) throw invalid("no command specified");
  return merged;
}

function mergeHealthcheck(
  own: ContainerConfig["Healthcheck"],
  image: ImageRunConfig["Healthcheck"],
): ContainerConfig["Healthcheck"] {
  if (!own || !image) return own ?? image;
  return {
    Test: filled(own.Test) ? own.Test : image.Test,
    Interval: own.Interval || image.Interval,
    Timeout: own.Timeout || image.Timeout,
    StartPeriod: own.StartPeriod || image.StartPeriod,
    StartInterval: own.StartInterval || image.StartInterval,
    Retries: own.Retries || image.Retries,
  };
}

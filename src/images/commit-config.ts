// The config of an image that is made of a container: what the request says, changed by its `--change`s, and where it is silent
// the container's own (moby, daemon/commit.go).
import { RUN_CONFIG_FIELDS } from "../oci/run-config.ts";
import type { HealthcheckConfig, ImageRunConfig } from "../oci/types.ts";
import { applyChanges } from "./changes.ts";

/**
 * @param own the container's config
 * @param asked what the request has instead; without it the changes are made to the container's own
 * Errors: invalid, in Docker's words.
 */
export function commitConfig(
  own: ImageRunConfig,
  asked: ImageRunConfig | undefined,
  changes: readonly string[],
): ImageRunConfig {
  const base = imageFields(asked ?? own);
  const changed = changes.length > 0 ? applyChanges(base, changes) : structuredClone(base);
  const filled = Object.entries(filledFrom(changed, own));
  return Object.fromEntries(filled.filter(([, value]) => !isEmpty(value)));
}

function filledFrom(config: ImageRunConfig, own: ImageRunConfig): ImageRunConfig {
  const hasEntrypoint = isFilled(config.Entrypoint);
  return {
    ...config,
    User: config.User || own.User,
    ExposedPorts: { ...own.ExposedPorts, ...config.ExposedPorts },
    Env: [...(config.Env ?? []), ...missing(config.Env ?? [], own.Env ?? [])],
    Labels: { ...own.Labels, ...config.Labels },
    Volumes: { ...own.Volumes, ...config.Volumes },
    WorkingDir: config.WorkingDir || own.WorkingDir,
    StopSignal: config.StopSignal || own.StopSignal,
    Healthcheck: health(config.Healthcheck, own.Healthcheck),
    // A new entrypoint takes the container's command with it; one that is empty on purpose stays so.
    Cmd: !hasEntrypoint && !isFilled(config.Cmd) ? own.Cmd : config.Cmd,
    Entrypoint: config.Entrypoint ?? own.Entrypoint,
  };
}

const isFilled = (list: readonly string[] | null | undefined): boolean => (list?.length ?? 0) > 0;

/** The container's variables that the config doesn't set. */
function missing(env: string[], own: string[]): string[] {
  const keyOf = (entry: string) => entry.split("=", 1)[0];
  const known = new Set(env.map(keyOf));
  return own.filter((entry) => !known.has(keyOf(entry)));
}

function health(
  asked: HealthcheckConfig | undefined,
  own: HealthcheckConfig | undefined,
): HealthcheckConfig | undefined {
  if (!asked || !own) return asked ?? own;
  return {
    ...asked,
    Test: isFilled(asked.Test) ? asked.Test : own.Test,
    Interval: asked.Interval || own.Interval,
    Timeout: asked.Timeout || own.Timeout,
    StartPeriod: asked.StartPeriod || own.StartPeriod,
    StartInterval: asked.StartInterval || own.StartInterval,
    Retries: asked.Retries || own.Retries,
  };
}

const imageFields = (config: ImageRunConfig): ImageRunConfig =>
  Object.fromEntries(RUN_CONFIG_FIELDS.map((field) => [field, config[field]]));

/** What Go leaves out. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0) return true;
  return typeof value === "object" && Object.values(value).every((item) => item === undefined);
}

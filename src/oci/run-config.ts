// How an image's containers run: the part of its config that a container's begins as.
import type { ImageRunConfig } from "./types.ts";

/** In the order of Docker's structures (docker-image-spec, specs-go/v1), so that the same image has the same digest. */
export const RUN_CONFIG_FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "ArgsEscaped",
  "Healthcheck",
  "OnBuild",
  "Shell",
] as const satisfies (keyof ImageRunConfig)[];

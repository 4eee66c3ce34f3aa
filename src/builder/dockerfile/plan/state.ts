// What a stage is at a point of its instructions: the image so far, and what variables are worth there.
import type { ImageConfig, ImageRunConfig, Platform } from "../../../oci/types.ts";
import type { ArgDefinition } from "../instructions/index.ts";
import type { Lines } from "../source.ts";
import { workdirPath } from "./paths.ts";

/** The PATH of an image that has none. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

export interface StageState {
  readonly image: ImageConfig;
  /** ENV and ARG together: what `$name` is, and what RUN's commands get. */
  readonly variables: ReadonlyMap<string, string>;
  /** The ARGs so far, with their values; also those of the stages below. */
  readonly args: readonly ArgDefinition[];
  /** Whether this file has said a WORKDIR for the stage. */
  readonly workdirSet: boolean;
  /** Where this stage has said them. */
  readonly cmd?: Lines;
  readonly entrypoint?: Lines;
  readonly healthcheck?: Lines;
}

export const runConfig = (state: StageState): ImageRunConfig => state.image.config ?? {};

/** The image that `FROM scratch` begins with. */
export function emptyImage(platform: Platform): ImageConfig {
  const { os, architecture, variant } = platform;
  return {
    os,
    architecture,
    ...(variant && { variant }),
    ...(platform["os.version"] && { "os.version": platform["os.version"] }),
    ...(platform["os.features"] && { "os.features": platform["os.features"] }),
    config: { ...(os !== "windows" && { Env: [`PATH=${DEFAULT_PATH}`] }), WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [] },
  };
}

/** A stage on an image. The image's triggers (`OnBuild`) are the caller's to run first: they are no longer in it. */
export function stateOfImage(image: ImageConfig): StageState {
  const { created: _, ...rest } = image;
  return begin({ image: rest, variables: new Map(), args: [], workdirSet: false });
}

/** A stage on another: its ARGs and their values too. Its own triggers are the caller's to run, see triggersOf. */
export const stateOfStage = ({ image, variables, args, workdirSet }: StageState): StageState =>
  begin({ image, variables, args, workdirSet });

function begin(state: StageState): StageState {
  const { OnBuild: _, ...config } = runConfig(state);
  const env = [...(config.Env ?? [])];
  if (state.image.os !== "windows" && !env.some((entry) => entry.startsWith("PATH=")))
    env.push(`PATH=${DEFAULT_PATH}`);
  const variables = new Map(state.variables);
  for (const entry of env) {
    const at = entry.indexOf("=");
    variables.set(at < 0 ? entry : entry.slice(0, at), at < 0 ? "" : entry.slice(at + 1));
  }
  const WorkingDir = config.WorkingDir ? workdirPath(config.WorkingDir, config.WorkingDir) : undefined;
  return {
    ...state,
    variables,
    image: { ...state.image, config: { ...config, Env: env, ...(WorkingDir && { WorkingDir }) } },
  };
}

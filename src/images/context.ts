// What the operations on images work with. The engine's own record fits it, so api/ passes the engine on.
import type { HostEnvironment } from "../base/environment.ts";
import type { DaemonConfig } from "../engine/types.ts";
import type { Store } from "../store/types.ts";
import type { ImageEvent } from "./types.ts";

export interface ImageContext {
  readonly store: Store;
  readonly config: DaemonConfig;
  readonly environment: HostEnvironment;
  /** Told of each change, for `events`. */
  readonly onImageEvent?: (event: ImageEvent) => void;
}

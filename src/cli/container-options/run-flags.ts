// The flags that `run` and `create` share beside the container's own: how it is made.
import { flag } from "../framework/flags.ts";
import { CONTAINER_FLAGS } from "./flags.ts";

export const CREATE_FLAGS = {
  ...CONTAINER_FLAGS,
  name: flag.string("Assign a name to the container"),
  quiet: flag.bool("Suppress the pull output", { short: "q" }),
  "use-api-socket": flag.bool("Bind mount Docker API socket and required auth"),
  platform: flag.string("Set platform if server is multi-platform capable", {
    since: "1.32",
    default: process.env.DOCKER_DEFAULT_PLATFORM ?? "",
  }),
  "disable-content-trust": flag.bool("Skip image verification (default true)", { default: true }),
};

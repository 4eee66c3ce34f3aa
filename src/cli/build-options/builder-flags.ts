// The flags that every command of the builder has.
import { flag } from "../framework/flags.ts";

export const builderFlags = {
  builder: flag.string("Override the configured builder instance"),
  debug: flag.bool("Enable debug logging", { short: "D" }),
};

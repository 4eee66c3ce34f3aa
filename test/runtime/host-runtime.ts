// Which runtime tests take: what the driver chooses on this host.
import { selectRuntime } from "../../src/runtime/index.ts";
import type { ShimConfig } from "../../src/runtime/types.ts";

export function hostRuntime(): ShimConfig["runtime"] {
  return selectRuntime({});
}

// The use case "check a container's health": the containers room says when and what, the runtime room makes the process.
import { type ContainerRecord, type ProbeOutcome, runProbe } from "../containers/index.ts";
import { execProcessOf } from "./exec.ts";
import type { Engine } from "./types.ts";

/** Errors: what kept the check from being started. */
export const checkHealth = (
  engine: Engine,
  record: ContainerRecord,
  signal: AbortSignal,
  started: () => void,
): Promise<ProbeOutcome> =>
  runProbe(engine.containers, record, { signal, started }, (config) => execProcessOf(engine, record, config));

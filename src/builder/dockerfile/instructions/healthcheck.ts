// HEALTHCHECK: its type, its command and its times.
import { invalid } from "../../../base/errors.ts";
import type { HealthcheckConfig } from "../../../oci/types.ts";
import { quote } from "../go-text.ts";
import type { InstructionNode } from "../syntax/index.ts";
import { parseDuration } from "./duration.ts";
import { type Flags, readFlags } from "./flags.ts";

/** Nanoseconds; a millisecond, of which Go says "1ms". */
const SHORTEST = 1e6;
const MAX_RETRIES = 2 ** 31 - 1;

const TIMES = {
  Interval: "interval",
  Timeout: "timeout",
  StartPeriod: "start-period",
  StartInterval: "start-interval",
} as const;

/** The image's Healthcheck. Errors: invalid. */
export function parseHealthcheck(node: InstructionNode): HealthcheckConfig & { Test: string[] } {
  const [word, ...command] = node.args;
  if (word === undefined) throw invalid("HEALTHCHECK requires at least one argument");
  const type = word.toUpperCase();
  if (type === "NONE") {
    if (command.length > 0) throw invalid("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  const flags = readFlags(node.flags, {
    interval: "value",
    timeout: "value",
    "start-period": "value",
    "start-interval": "value",
    retries: "value",
  });
  if (type !== "CMD") throw invalid(`Unknown type ${quote(type)} in HEALTHCHECK (try CMD)`);
  if (command.length === 0) throw invalid("Missing command after HEALTHCHECK CMD");
  const health: HealthcheckConfig & { Test: string[] } = {
    Test: [node.json ? "CMD" : "CMD-SHELL", ...command],
  };
  for (const [key, flag] of Object.entries(TIMES) as [keyof typeof TIMES, string][]) {
    const time = timeOf(flags, flag);
    if (time !== 0) health[key] = time;
  }
  const retries = retriesOf(flags.value("retries"));
  return retries === 0 ? health : { ...health, Retries: retries };
}

function timeOf(flags: Flags, flag: string): number {
  const text = flags.value(flag);
  const time = text === "" ? 0 : parseDuration(text);
  if (time !== 0 && time < SHORTEST) throw invalid(`Interval ${quote(flag)} cannot be less than 1ms`);
  return time;
}

function retriesOf(text: string): number {
  if (text === "") return 0;
  const problem = (what: string) => invalid(`strconv.ParseInt: parsing ${quote(text)}: ${what}`);
  if (!/^[+-]?\d+$/.test(text)) throw problem("invalid syntax");
  const retries = Number(text);
  if (retries > MAX_RETRIES || retries < -MAX_RETRIES - 1) throw problem("value out of range");
  if (retries < 0) throw invalid(`--retries cannot be negative (${retries})`);
  return retries;
}

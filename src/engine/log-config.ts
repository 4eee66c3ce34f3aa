// The logging of a container when it is made: the daemon's defaults, and what is refused then. Docker looks at an option's
// name here and at most values only at the start (log-settings.ts); so do we, since scripts make containers and start them later.

import type { HostConfig } from "../api/types/index.ts";
import { invalid, messageOf, notImplemented } from "../base/errors.ts";
import { goBoolean } from "../base/go-boolean.ts";
import { checkSyslogOptions } from "./syslog-options.ts";
import type { DaemonConfig } from "./types.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;
type Options = Record<string, string>;

/** Drivers that `info` names: all but `none`. */
export const LOG_DRIVERS = ["journald", "json-file", "local", "syslog"] as const;
export type LogDriver = (typeof LOG_DRIVERS)[number] | "none";

const COMMON = ["labels", "labels-regex", "env", "env-regex", "tag"];
const FILE = ["max-size", "max-file", "compress"];
const OPTIONS: Record<Exclude<LogDriver, "none">, ReadonlySet<string>> = {
  journald: new Set(COMMON),
  "json-file": new Set([...COMMON, ...FILE]),
  local: new Set(FILE),
  syslog: new Set([
    ...COMMON,
    "syslog-address",
    "syslog-facility",
    "syslog-format",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
  ]),
};
/** Options of every driver: how lines wait, and the file that `logs` reads of a driver that can't be read. */
const OF_ALL = new Set(["mode", "max-buffer-size"]);
const OF_CACHE = new Set(["cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"]);

/** What Docker has built in besides. */
const DOCKERS_OTHERS = new Set<string>("gelf fluentd awslogs splunk".split(" "));

/** The daemon's driver where none is named, and its options where the driver is the daemon's. Errors: invalid, not-implemented. */
export function withLogDefaults(asked: LogConfig | undefined, config: DaemonConfig): LogConfig {
  const type = asked?.Type || (config.logDriver as LogConfig["Type"]) || "json-file";
  const inherited = Object.entries(config.logOptions).filter(
    ([name]) => type === config.logDriver || OF_CACHE.has(name),
  );
  const options = { ...Object.fromEntries(inherited), ...(asked?.Config ?? {}) };
  checkLogOptions(type, options);
  return { Type: type, Config: options };
}

/** The daemon's own `log-driver` and `log-opts`, when it starts: as dockerd, only where there are options. Errors: invalid. */
export function checkDefaultLogging({ logDriver, logOptions }: DaemonConfig): void {
  if (Object.keys(logOptions).length === 0) return;
  try {
    checkLogOptions(logDriver, logOptions);
  } catch (error) {
    throw invalid(`failed to set log opts: ${messageOf(error)}`, error);
  }
}

/** Errors: invalid and not-implemented, in Docker's words where it has them. */
export function checkLogOptions(type: string, options: Options): void {
  if (type === "none") return;
  checkMode(options);
  const cache = options["cache-disabled"];
  if (cache && goBoolean(cache) === undefined)
    throw invalid(`invalid value for option cache-disabled: ${cache}`);
  if (DOCKERS_OTHERS.has(type))
    throw notImplemented(
      `the log driver ${type} is not implemented in Berth: there are ${LOG_DRIVERS.join(", ")} and none`,
    );
  if (!isDriver(type)) throw invalid(`error looking up logging plugin ${type}: plugin "${type}" not found`);
  for (const name of Object.keys(options)) {
    if (OPTIONS[type].has(name) || OF_ALL.has(name) || OF_CACHE.has(name)) continue;
    throw invalid(
      type === "local"
        ? `unknown log opt '${name}' for log driver local`
        : `unknown log opt '${name}' for ${type} log driver`,
    );
  }
  if (type === "syslog") checkSyslogOptions(options);
}

function checkMode(options: Options): void {
  const mode = options.mode ?? "";
  if (!["", "blocking", "non-blocking"].includes(mode))
    throw invalid(`logger: logging mode not supported: ${mode}`);
  const buffer = options["max-buffer-size"];
  if (buffer === undefined) return;
  if (mode !== "non-blocking")
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (parseSize(buffer, 1024) === undefined)
    throw invalid(`error parsing option max-buffer-size: invalid size: '${buffer}'`);
}

export const isDriver = (type: string): type is (typeof LOG_DRIVERS)[number] =>
  (LOG_DRIVERS as readonly string[]).includes(type);

/** go-units' FromHumanSize (`unit` 1000) and RAMInBytes (1024); undefined for what is no size. */
export function parseSize(text: string, unit: 1000 | 1024): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?(i?b)?$/i.exec(text);
  if (!match || (match[3]?.toLowerCase() === "ib" && !match[2])) return undefined;
  const power = match[2] ? "kmgtp".indexOf(match[2].toLowerCase()) + 1 : 0;
  return Math.trunc(Number(match[1]) * unit ** power);
}

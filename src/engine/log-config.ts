// The logging of a container: the daemon's defaults, and what is refused. `json-file` and `none` are built.
import type { HostConfig } from "../api/types/index.ts";
import { invalid } from "../base/errors.ts";
import type { DaemonConfig } from "./types.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;

const JSON_FILE_OPTIONS = new Set(
  "max-size max-file compress labels labels-regex env env-regex tag mode max-buffer-size".split(" "),
);

/** The daemon's driver where none is named, and its options where the driver is the daemon's. Errors: invalid. */
export function withLogDefaults(asked: LogConfig | undefined, config: DaemonConfig): LogConfig {
  const type = asked?.Type || (config.logDriver as LogConfig["Type"]) || "json-file";
  const inherited = type === config.logDriver ? config.logOptions : {};
  const options = { ...inherited, ...(asked?.Config ?? {}) };
  check(type, options);
  return { Type: type, Config: options };
}

function check(type: LogConfig["Type"], options: Record<string, string>): void {
  if (type === "none") return;
  if (type !== "json-file") throw invalid(`logger: no log driver named '${type}' is registered`);
  for (const name of Object.keys(options))
    if (!JSON_FILE_OPTIONS.has(name)) throw invalid(`unknown log opt '${name}' for json-file log driver`);
  const mode = options.mode ?? "";
  if (!["", "blocking", "non-blocking"].includes(mode))
    throw invalid(`logger: logging mode not supported: ${mode}`);
  if (options["max-buffer-size"] !== undefined && mode !== "non-blocking")
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  const size = options["max-size"];
  if (size !== undefined && !/^\d+(\.\d+)?\s*([kmgtp]i?)?b?$/i.test(size))
    throw invalid(`invalid size: '${size}'`);
  if (size !== undefined && Number.parseFloat(size) <= 0) throw invalid("max-size must be a positive number");
  const files = options["max-file"];
  if (files !== undefined && !/^[+-]?\d+$/.test(files))
    throw invalid(`strconv.Atoi: parsing "${files}": invalid syntax`);
  if (files !== undefined && Number(files) < 1) throw invalid("max-file cannot be less than 1");
  const compress = options.compress;
  if (compress !== undefined && !/^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(compress))
    throw invalid(`strconv.ParseBool: parsing "${compress}": invalid syntax`);
  if (/^[1tT]/.test(compress ?? "") && (size === undefined || Number(files ?? 1) < 2))
    throw invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
}

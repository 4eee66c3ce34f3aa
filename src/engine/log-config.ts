// The logging of a container: the daemon's defaults, and what is refused. `json-file` and `none` are built.
import type { HostConfig } from "../api/types/index.ts";
import { invalid, notImplemented } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/index.ts";
import type { DaemonConfig } from "./types.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;

const JSON_FILE_OPTIONS = new Set(
  "max-size max-file compress labels labels-regex env env-regex tag mode max-buffer-size".split(" "),
);

/** What Docker has built in besides. */
const DOCKERS_OTHERS = new Set<string>(
  "local journald syslog gelf fluentd awslogs splunk etwlogs gcplogs".split(" "),
);

/** The daemon's driver where none is named, and its options where the driver is the daemon's. Errors: invalid, not-implemented. */
export function withLogDefaults(asked: LogConfig | undefined, config: DaemonConfig): LogConfig {
  const type = asked?.Type || (config.logDriver as LogConfig["Type"]) || "json-file";
  const inherited = type === config.logDriver ? config.logOptions : {};
  const options = { ...inherited, ...(asked?.Config ?? {}) };
  check(type, options);
  return { Type: type, Config: options };
}

function check(type: LogConfig["Type"], options: Record<string, string>): void {
  if (type === "none") return;
  if (type !== undefined && DOCKERS_OTHERS.has(type))
    throw notImplemented(`the log driver ${type} is not implemented in Berth: there are json-file and none`);
  if (type !== "json-file")
    throw invalid(`error looking up logging plugin ${type}: plugin "${type}" not found`);
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

/** What `labels`, `labels-regex`, `env`, `env-regex` and `tag` make of a container: the `attrs` of each line. */
export function logAttributes(record: ContainerRecord): Record<string, string> {
  const options = record.hostConfig.LogConfig?.Config ?? {};
  const environment = (record.config.Env ?? []).map((text): [string, string] => {
    const at = text.indexOf("=");
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    ...chosen(Object.entries(record.config.Labels ?? {}), options.labels, options["labels-regex"]),
    ...chosen(environment, options.env, options["env-regex"]),
    ...(options.tag && { tag: tagOf(options.tag, record) }),
  };
}

function chosen(entries: [string, string][], names = "", pattern = ""): Record<string, string> {
  const wanted = new Set(names.split(",").filter((name) => name !== ""));
  const matching = pattern === "" ? undefined : new RegExp(pattern);
  return Object.fromEntries(entries.filter(([name]) => wanted.has(name) || matching?.test(name)));
}

/** The fields of Docker's log tags; other template text stays as it is. */
function tagOf(tag: string, record: ContainerRecord): string {
  const fields: Record<string, string> = {
    ID: record.id.slice(0, 12),
    FullID: record.id,
    Name: record.name,
    ImageID: record.imageId.slice(0, 12),
    ImageFullID: record.imageId,
    ImageName: record.imageName,
    DaemonName: "docker",
  };
  return tag.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (text, name: string) => fields[name] ?? text);
}

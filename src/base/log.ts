// Structured log lines on standard error, one JSON object or one logfmt line each, as dockerd's `log-format`.
// Never give it a secret: fields are written as they come.

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";
const ORDER: LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

let threshold = ORDER.indexOf("info");
let format: "text" | "json" = "text";

/** Sets what is written; called at start-up and on SIGHUP. */
export function configureLog(options: { level?: LogLevel; format?: "text" | "json" }): void {
  if (options.level) threshold = ORDER.indexOf(options.level);
  if (options.format) format = options.format;
}

export type Fields = Record<string, string | number | boolean | undefined>;

function write(level: LogLevel, message: string, fields: Fields): void {
  if (ORDER.indexOf(level) < threshold) return;
  const entry = { time: new Date().toISOString(), level, msg: message, ...fields };
  const line =
    format === "json"
      ? JSON.stringify(entry)
      : Object.entries(entry)
          .filter(([, v]) => v !== undefined)
          .map(([k, v]) => `${k}=${/^[\w.:/@+-]+$/.test(String(v)) ? v : JSON.stringify(String(v))}`)
          .join(" ");
  process.stderr.write(`${line}\n`);
}

export const log = {
  debug: (message: string, fields: Fields = {}) => write("debug", message, fields),
  info: (message: string, fields: Fields = {}) => write("info", message, fields),
  warn: (message: string, fields: Fields = {}) => write("warn", message, fields),
  error: (message: string, fields: Fields = {}) => write("error", message, fields),
  fatal: (message: string, fields: Fields = {}) => write("fatal", message, fields),
};

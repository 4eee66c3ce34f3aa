// The logging of a container that starts, and where its log is read: option values become what the shim does.

import { join } from "node:path";
import { BerthError, systemError } from "../base/errors.ts";
import { goBoolean, notGoBoolean } from "../base/go-boolean.ts";
import type { ContainerRecord, LogSource } from "../containers/index.ts";
import { loggingFailure } from "../runtime/index.ts";
import type { FileLogSettings, LogSettings } from "../runtime/types.ts";
import { containerFolder } from "./folders.ts";
import { extraAttributes, logTag } from "./log-attributes.ts";
import { parseSize } from "./log-config.ts";
import { syslogSettings } from "./syslog-options.ts";
import type { Engine } from "./types.ts";

type Options = Record<string, string>;

const MEBIBYTE = 1 << 20;
/** Of dockerd's local driver, and so of its cache. */
const LOCAL_SIZE = 20 * MEBIBYTE;
const LOCAL_FILES = 5;
/** Of dockerd's ring, for `mode=non-blocking`. */
const BUFFER = 1_000_000;
const BY_ID = "{{.ID}}";

/** Errors: system, "failed to initialize logging driver: …" in Docker's words. */
export async function logSettings(engine: Engine, record: ContainerRecord): Promise<LogSettings> {
  try {
    return await settingsOf(engine, record);
  } catch (error) {
    if (error instanceof BerthError) throw loggingFailure(error.message);
    throw error;
  }
}

async function settingsOf(engine: Engine, record: ContainerRecord): Promise<LogSettings> {
  const { Type: type = "json-file", Config: options = {} } = record.hostConfig.LogConfig ?? {};
  const folder = containerFolder(engine.environment, record.id);
  const buffer = bufferOf(options);
  switch (type) {
    case "json-file":
      return {
        driver: "json-file",
        path: record.logPath,
        ...jsonFileLimits(options),
        attributes: await jsonFileAttributes(record, options),
      };
    case "local":
      return { driver: "local", path: localPath(folder), ...localLimits(options) };
    case "syslog":
      return {
        driver: "syslog",
        ...(await syslogSettings(options, await logTag(record, options, BY_ID))),
        ...(buffer !== undefined && { buffer }),
        ...(isCached(options) && { cache: cacheSettings(folder, options) }),
      };
    case "journald":
      return {
        driver: "journald",
        fields: await journalFields(record, options),
        ...(buffer !== undefined && { buffer }),
      };
    default:
      return { driver: "none" };
  }
}

/** Bytes that may wait where nothing holds the container up; undefined: it is held up. */
function bufferOf(options: Options): number | undefined {
  if (options.mode !== "non-blocking") return undefined;
  const asked = options["max-buffer-size"];
  return asked === undefined ? BUFFER : (parseSize(asked, 1024) ?? BUFFER);
}

/** Errors: system, as dockerd's for options that its driver doesn't take. */
export function logSource(engine: Engine, record: ContainerRecord): LogSource {
  const { Type: type = "json-file", Config: options = {} } = record.hostConfig.LogConfig ?? {};
  const folder = containerFolder(engine.environment, record.id);
  switch (type) {
    case "json-file":
      jsonFileLimits(options);
      return { format: "json-file", path: record.logPath };
    case "local":
      localLimits(options);
      return { format: "local", path: localPath(folder) };
    case "syslog":
      return isCached(options) ? { format: "local", path: cachePath(folder) } : undefined;
    case "journald":
      return { format: "journald" };
    default:
      return undefined;
  }
}

const localPath = (folder: string): string => join(folder, "local-logs", "container.log");
const cachePath = (folder: string): string => join(folder, "container-cached.log");
const isCached = (options: Options): boolean =>
  !options["cache-disabled"] || !goBoolean(options["cache-disabled"]);

function jsonFileLimits(options: Options): Pick<FileLogSettings, "maxSize" | "maxFiles" | "compress"> {
  const size = options["max-size"];
  const maxSize = size === undefined ? undefined : sizeOf(size);
  if (maxSize !== undefined && maxSize <= 0) throw systemError("max-size must be a positive number");
  const files = options["max-file"];
  const maxFiles = files === undefined ? 1 : wholeNumber(files);
  if (maxFiles < 1) throw systemError("max-file cannot be less than 1");
  const compress = options.compress !== undefined && bool(options.compress);
  if (compress && (maxFiles === 1 || maxSize === undefined))
    throw systemError("compress cannot be true when max-file is less than 2 or max-size is not set");
  return { ...(maxSize !== undefined && { maxSize }), maxFiles, compress };
}

function localLimits(options: Options): Pick<FileLogSettings, "maxSize" | "maxFiles" | "compress"> {
  const named = <T>(words: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw systemError(`${words}: ${(error as Error).message}`);
    }
  };
  const { "max-size": size, "max-file": files, compress: compression } = options;
  const maxSize =
    size === undefined ? LOCAL_SIZE : named(`invalid value for max-size: ${size}`, () => sizeOf(size));
  const maxFiles =
    files === undefined
      ? LOCAL_FILES
      : named(`invalid value for max-file: ${files}`, () => wholeNumber(files));
  const compress =
    compression === undefined || named("error reading compress log option", () => bool(compression));
  if (maxFiles < 0) throw systemError("max-file must not be negative");
  if (compress && maxFiles <= 1) throw systemError("compression cannot be enabled when max file count is 1");
  return { maxSize, maxFiles, compress };
}

/** The documented options of the cache: dockerd 28 takes them and goes by its defaults. */
function cacheSettings(folder: string, options: Options): FileLogSettings {
  const own = Object.entries(options)
    .filter(([name]) => name.startsWith("cache-") && name !== "cache-disabled")
    .map(([name, value]) => [name.slice("cache-".length), value]);
  return { path: cachePath(folder), ...localLimits(Object.fromEntries(own)) };
}

async function jsonFileAttributes(
  record: ContainerRecord,
  options: Options,
): Promise<Record<string, string>> {
  const attributes = extraAttributes(record, options);
  const tag = options.tag ? await logTag(record, options, "") : "";
  return tag === "" ? attributes : { ...attributes, tag };
}

async function journalFields(record: ContainerRecord, options: Options): Promise<Record<string, string>> {
  const tag = await logTag(record, options, BY_ID);
  return {
    CONTAINER_ID: record.id.slice(0, 12),
    CONTAINER_ID_FULL: record.id,
    CONTAINER_NAME: record.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: record.imageName,
    SYSLOG_IDENTIFIER: tag,
    ...extraAttributes(record, options, journalName),
  };
}

/** A field's name has capital letters, digits and underscores, and doesn't begin with one of the last. */
const journalName = (name: string): string =>
  name
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/[^A-Z0-9]/gu, "_")
    .replace(/^_+/, "");

function sizeOf(text: string): number {
  const size = parseSize(text, 1000);
  if (size === undefined) throw systemError(`invalid size: '${text}'`);
  return size;
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw systemError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function bool(text: string): boolean {
  const truth = goBoolean(text);
  if (truth === undefined) throw systemError(notGoBoolean(text));
  return truth;
}

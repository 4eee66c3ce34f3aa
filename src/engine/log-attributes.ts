// What a log driver says of its container with each line: labels, environment and tag, as its options choose them
// (moby daemon/logger/loginfo.go and loggerutils/log_tag.go).
import { hostname } from "node:os";
import { systemError } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/index.ts";

type Options = Record<string, string>;

/**
 * The labels and variables that `labels`, `labels-regex`, `env` and `env-regex` name. `nameOf` makes the attribute's name.
 * Errors: system, in Go's words for a bad expression.
 */
export function extraAttributes(
  record: ContainerRecord,
  options: Options,
  nameOf: (name: string) => string = (name) => name,
): Record<string, string> {
  const environment = (record.config.Env ?? []).flatMap((text): [string, string][] => {
    const at = text.indexOf("=");
    return at < 0 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
  });
  const chosen = [
    ...choose(Object.entries(record.config.Labels ?? {}), options.labels, options["labels-regex"]),
    ...choose(environment, options.env, options["env-regex"]),
  ];
  return Object.fromEntries(chosen.map(([name, value]) => [nameOf(name), value]));
}

function choose(entries: [string, string][], names = "", pattern = ""): [string, string][] {
  const wanted = new Set(names.split(",").filter((name) => name !== ""));
  const matching = pattern === "" ? undefined : goExpression(pattern);
  return entries.filter(([name]) => wanted.has(name) || matching?.test(name));
}

/** A regular expression as Go's users write it: RE2 knows (?P<name>…) and flags at the front, which JavaScript doesn't. */
function goExpression(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = pattern.slice(flags?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  try {
    return new RegExp(source, flags?.[1] ?? "");
  } catch {
    throw systemError(`error parsing regexp: ${whatIsWrong(pattern)}: \`${pattern}\``);
  }
}

function whatIsWrong(pattern: string): string {
  if (/\[[^\]]*$/.test(pattern)) return "missing closing ]";
  if (/\([^)]*$/.test(pattern)) return "missing closing )";
  if (/^[*+?]/.test(pattern)) return "missing argument to repetition operator";
  if (pattern.endsWith("\\")) return "trailing backslash at end of expression";
  return "invalid expression";
}

/** The `tag`, a template over the container. Errors: system, in text/template's words. */
export async function logTag(record: ContainerRecord, options: Options, standard: string): Promise<string> {
  const source = options.tag || standard;
  if (source === "") return "";
  const info = infoOf(record);
  const plain = /^\{\{\.(\w+)\}\}$/.exec(source)?.[1];
  if (plain !== undefined && Object.hasOwn(info, plain)) return String(info[plain as keyof typeof info]);
  if (!source.includes("{{")) return source;
  const { compileTemplate, structOf, TemplateError } = await import("../base/template/index.ts");
  try {
    return compileTemplate(source, { name: "log-tag" })(structOf(info, "*logger.Info"));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw systemError(error.message.replace(/^template parsing error: /, ""), error);
  }
}

/** moby's logger.Info: its methods first, then its fields. */
function infoOf(record: ContainerRecord) {
  return {
    ID: record.id.slice(0, 12),
    FullID: record.id as string,
    Name: record.name,
    Command: [record.path, ...record.args].join(" "),
    ImageID: record.imageId.slice(0, 12),
    ImageFullID: record.imageId as string,
    ImageName: record.imageName,
    Hostname: hostname(),
    Config: record.hostConfig.LogConfig?.Config ?? {},
    ContainerID: record.id as string,
    ContainerName: `/${record.name}`,
    ContainerEntrypoint: record.path,
    ContainerArgs: record.args,
    ContainerImageID: record.imageId as string,
    ContainerImageName: record.imageName,
    ContainerEnv: record.config.Env ?? [],
    ContainerLabels: record.config.Labels ?? {},
    DaemonName: "docker",
  };
}

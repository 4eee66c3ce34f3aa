// `--change` of import and commit: Dockerfile instructions that change a config and nothing else, read as Docker's own
// Dockerfile parser reads them (frontend/dockerfile, builder/dockerfile/dispatchers.go).
import { posix } from "node:path";
import { invalid } from "../base/errors.ts";
import { parseDuration } from "../base/timestamp.ts";
import type { HealthcheckConfig, ImageRunConfig } from "../oci/types.ts";
import { splitWords } from "./dockerfile-words.ts";

type Instruction = (config: ImageRunConfig, rest: string) => void;

const SHELL = ["/bin/sh", "-c"];
const MAX_PORT = 65_535;

/** A copy of a config with the changes made in order. Errors: invalid, in Docker's words. */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const changed = structuredClone(config);
  let ownCommand = false;
  for (const line of changes.flatMap((text) => text.split("\n"))) {
    const [, name = "", rest = ""] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
    if (name === "" || name.startsWith("#")) {
      if (changes.length === 1) throw invalid("file with no instructions");
      continue;
    }
    const instruction = INSTRUCTIONS[name.toUpperCase()];
    if (!instruction) throw invalid(`${name.toUpperCase()} is not a valid change command`);
    instruction(changed, rest);
    // The command that was there belongs to the entrypoint that was there.
    if (name.toUpperCase() === "CMD") ownCommand = true;
    else if (name.toUpperCase() === "ENTRYPOINT" && !ownCommand) delete changed.Cmd;
  }
  return changed;
}

const INSTRUCTIONS: Record<string, Instruction> = {
  CMD: (config, rest) => {
    config.Cmd = command(config, rest);
  },
  ENTRYPOINT: (config, rest) => {
    config.Entrypoint = command(config, rest);
  },
  SHELL: (config, rest) => {
    const words = jsonWords(rest);
    if (!words || words.length === 0) throw invalid("SHELL requires the arguments to be in JSON form");
    config.Shell = words;
  },
  ENV: (config, rest) => {
    for (const [key, value] of pairs("ENV", config, rest)) setVariable(config, key, value);
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs("LABEL", config, rest)) };
  },
  EXPOSE: (config, rest) => {
    const words = splitWords(rest, variablesOf(config));
    if (words.length === 0) throw invalid("EXPOSE requires at least one argument");
    for (const port of words.flatMap(portsOf)) config.ExposedPorts = { ...config.ExposedPorts, [port]: {} };
  },
  USER: (config, rest) => {
    config.User = single("USER", config, rest);
  },
  VOLUME: (config, rest) => {
    const words = jsonWords(rest) ?? splitWords(rest, variablesOf(config));
    if (words.length === 0) throw invalid("VOLUME requires at least one argument");
    if (words.includes("")) throw invalid("VOLUME specified can not be an empty string");
    for (const path of words) config.Volumes = { ...config.Volumes, [path]: {} };
  },
  WORKDIR: (config, rest) => {
    config.WorkingDir = posix.resolve("/", config.WorkingDir ?? "/", single("WORKDIR", config, rest));
  },
  ONBUILD: (config, rest) => {
    const trigger = (rest.split(/\s/, 1)[0] ?? "").toUpperCase();
    if (trigger === "") throw invalid("ONBUILD requires at least one argument");
    if (trigger === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === "FROM" || trigger === "MAINTAINER")
      throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
    config.OnBuild = [...(config.OnBuild ?? []), rest];
  },
  STOPSIGNAL: (config, rest) => {
    const signal = single("STOPSIGNAL", config, rest);
    if (!isSignal(signal)) throw invalid(`invalid signal: ${signal}`);
    config.StopSignal = signal;
  },
  HEALTHCHECK: (config, rest) => {
    config.Healthcheck = healthcheck(rest);
  },
};

/** The exec form as it is, the shell form behind the image's shell. */
function command(config: ImageRunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...(config.Shell ?? SHELL), ...(rest === "" ? [] : [rest])];
}

/** A JSON list of strings; undefined when it isn't one. */
function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string") ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const variablesOf = (config: ImageRunConfig): Map<string, string> =>
  new Map(
    (config.Env ?? []).map((entry) => {
      const at = entry.indexOf("=");
      return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );

function setVariable(config: ImageRunConfig, key: string, value: string): void {
  const others = config.Env ?? [];
  const at = others.findIndex((entry) => entry === key || entry.startsWith(`${key}=`));
  config.Env = at < 0 ? [...others, `${key}=${value}`] : others.with(at, `${key}=${value}`);
}

/** `KEY=value …`, or the old form `KEY value with blanks`. */
function pairs(name: string, config: ImageRunConfig, rest: string): [string, string][] {
  if (rest === "") throw invalid(`${name} requires at least one argument`);
  const variables = variablesOf(config);
  const first = splitWords(rest, undefined)[0] ?? "";
  if (!first.includes("=")) {
    const [, key = "", value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (value === undefined) throw invalid(`${name} must have two arguments`);
    return [[key, splitWords(value, variables, "one word").join("")]];
  }
  return splitWords(rest, undefined, "keep quotes").map((word) => {
    const at = word.indexOf("=");
    if (at < 0)
      throw invalid(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    const key = splitWords(word.slice(0, at), variables, "one word").join("");
    if (key === "") throw invalid(`${name} names can not be blank`);
    return [key, splitWords(word.slice(at + 1), variables, "one word").join("")];
  });
}

function single(name: string, config: ImageRunConfig, rest: string): string {
  if (rest === "") throw invalid(`${name} requires exactly one argument`);
  const word = splitWords(rest, variablesOf(config), "one word").join("");
  return word;
}

/** `80`, `80/udp`, `90-92`, `host:80` → `80/tcp`, … */
function portsOf(word: string): string[] {
  const [ports = "", protocol = "tcp"] = word.split("/");
  const proto = protocol.toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(proto)) throw invalid(`Invalid proto: ${protocol}`);
  const container = ports.slice(ports.lastIndexOf(":") + 1);
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(container) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from > MAX_PORT || to > MAX_PORT || to < from)
    throw invalid(`Invalid containerPort: ${container}`);
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${proto}`);
}

const SIGNALS = new Set(
  (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP " +
    "TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ"
  ).split(" "),
);

function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, "");
  return SIGNALS.has(name) || /^RTM(?:IN(?:\+\d+)?|AX(?:-\d+)?)$/.test(name);
}

const HEALTH_TIMES: Record<string, keyof HealthcheckConfig> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};

function healthcheck(rest: string): HealthcheckConfig {
  let text = rest;
  const check: HealthcheckConfig = {};
  for (let flag = FLAG.exec(text); flag; flag = FLAG.exec(text)) {
    const [whole, name = "", value = ""] = flag;
    text = text.slice(whole.length);
    const time = HEALTH_TIMES[name];
    if (time) Object.assign(check, { [time]: nanoseconds(name, value) });
    else if (name === "retries") check.Retries = retries(value);
    else throw invalid(`unknown flag: --${name}`);
  }
  const [, type = "", words = ""] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
  if (type.toUpperCase() === "NONE") {
    if (words !== "") throw invalid("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (type === "") throw invalid("HEALTHCHECK requires at least one argument");
  if (type.toUpperCase() !== "CMD")
    throw invalid(`Unknown type ${JSON.stringify(type.toUpperCase())} in HEALTHCHECK (try CMD)`);
  if (words === "") throw invalid("Missing command after HEALTHCHECK CMD");
  const exec = jsonWords(words);
  return { ...check, Test: exec ? ["CMD", ...exec] : ["CMD-SHELL", words] };
}

const FLAG = /^\s*--([\w-]+)=(\S*)\s*/;

function nanoseconds(name: string, value: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined) throw invalid(`time: invalid duration ${JSON.stringify(value)}`);
  if (milliseconds < 1 && milliseconds !== 0)
    throw invalid(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  return Math.round(milliseconds * 1e6);
}

function retries(value: string): number {
  const count = Number(value);
  if (!/^-?\d+$/.test(value))
    throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  if (count < 0) throw invalid("--retries cannot be negative");
  return count;
}

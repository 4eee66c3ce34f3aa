// An inspected build as a person reads it, as JSON, and as a template sees it.
import { goJson } from "../../base/go-json.ts";
import { Stringer, structOf } from "../../base/template/values.ts";
import type { Instant } from "../../sdk/index.ts";
import { alignTabs } from "../format/tab-writer.ts";
import type { InspectedError, Inspection, KeyValue } from "./inspection.ts";
import { localStamp, localTime, nanosecondsText, secondsText } from "./times.ts";

/** Of gRPC's codes (google.golang.org/grpc/codes). */
const CODES =
  "OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated".split(
    " ",
  );

export interface TextOptions {
  /** The build wasn't named: its name is told. */
  withRef: boolean;
  program: string;
  builder: string;
  debug: boolean;
}

export function inspectionText(one: Inspection, options: TextOptions): string {
  const blocks = [
    `${pairs([
      ["Name", one.Name],
      ["Ref", options.withRef ? one.Ref : ""],
      ["Context", one.Context],
      ["Dockerfile", one.Dockerfile],
      ["VCS Repository", one.VCSRepository],
      ["VCS Revision", one.VCSRevision],
      ["Target", one.Target],
      ["Platforms", one.Platform.join(", ")],
      ["Keep Git Dir", one.KeepGitDir ? "true" : ""],
    ])}\n`,
    table("Named Context", one.NamedContexts),
    `${progressText(one)}\n`,
    `${configText(one)}\n`,
    table("Build Arg", one.BuildArgs),
    table("Label", one.Labels),
    listed(
      "Materials:\n",
      ["URI\tDIGEST"],
      one.Materials.map(({ URI, Digests }) => `${URI}\t${Digests.join(", ")}`),
    ),
    listed(
      "Attachments:\n",
      ["DIGEST\tPLATFORM\tTYPE"],
      one.Attachments.map(({ Digest, Platform, Type }) => `${Digest}\t${Platform}\t${Type}`),
    ),
    one.Error ? errorText(one.Error, options.debug) : "",
    `Print build logs: ${options.program} buildx history logs ${one.Ref}\n`,
    `View build in Docker Desktop: ${desktopAddress(options.builder, one.Ref)}\n`,
  ];
  return blocks.join("");
}

export const desktopAddress = (builder: string, ref: string): string =>
  `docker-desktop://dashboard/build/${builder}/${builder}/${ref}`;

const align = (lines: string[]): string =>
  lines.length === 0 ? "" : alignTabs(`${lines.join("\n")}\n`, { minWidth: 1, padding: 1, tab: 8 });

const pairs = (all: [name: string, value: string][]): string =>
  align(all.filter(([, value]) => value !== "").map(([name, value]) => `${name}:\t${value}`));

const table = (title: string, values: KeyValue[]): string =>
  listed(
    "",
    [`${title.toUpperCase()}\tVALUE`],
    values.map(({ Name, Value }) => `${Name}\t${Value}`),
  );

const listed = (title: string, head: string[], rows: string[]): string =>
  rows.length === 0 ? "" : `${title}${align([...head, ...rows])}\n`;

function progressText(one: Inspection): string {
  const { Status, Error: error, NumCachedSteps: cached, NumTotalSteps: total } = one;
  const share = total === 0 ? "NaN" : String(halfToEven((cached / total) * 100));
  return pairs([
    ["Started", localTime(one.StartedAt)],
    ["Duration", `${secondsText(Number(one.Duration) / 1e9)}${Status === "running" ? " (running)" : ""}`],
    ["Error", Status === "failed" && error ? `${CODES[error.Code] ?? error.Code} ${error.Message}` : ""],
    ["Status", Status === "canceled" ? "Canceled" : ""],
    ["Build Steps", `${one.NumCompletedSteps}/${total} (${share}% cached)`],
  ]);
}

/** As Go rounds what it prints. */
function halfToEven(value: number): number {
  const whole = Math.floor(value);
  if (value - whole !== 0.5) return Math.round(value);
  return whole % 2 === 0 ? whole : whole + 1;
}

function configText({ Config: config }: Inspection): string {
  return pairs([
    ["Network", config.Network],
    ["Hostname", config.Hostname],
    ["Extra Hosts", config.ExtraHosts.join(", ")],
    ["Cgroup Parent", config.CgroupParent],
    ["Image Resolve Mode", config.ImageResolveMode],
    ["Multi-Platform", config.MultiPlatform ? "true" : ""],
    ["No Cache", config.NoCache ? "true" : ""],
    ["No Cache Filter", config.NoCacheFilter.join(", ")],
    ["Shm Size", config.ShmSize],
    ["Resource Limits", config.Ulimit],
    ["Cache Mount Namespace", config.CacheMountNS],
    ["Dockerfile Check Config", config.DockerfileCheckConfig],
    ["Source Date Epoch", config.SourceDateEpoch],
    ["Sandbox Hostname", config.SandboxHostname],
    ...config.RestRaw.map(({ Name, Value }): [string, string] => [Name, Value]),
  ]);
}

function errorText({ Sources, Logs, Name, Stack }: InspectedError, debug: boolean): string {
  const logs = Logs.length > 0 ? `Logs:\n> => ${Name}:\n${Logs.map((line) => `> ${line}\n`).join("")}\n` : "";
  if (Stack === "") return Sources + logs;
  return `${Sources}${logs}${debug ? `\n${Stack}\n` : "Enable --debug to see stack traces for error\n"}`;
}

/** Fields that are there when they are empty, too. */
const ALWAYS = ["Ref", "NumCompletedSteps", "NumTotalSteps", "NumCachedSteps", "Config"];

export function inspectionJson(one: Inspection): string {
  const { StartedAt, CompletedAt, Duration, Error: error, ...rest } = one;
  const shown = {
    ...one,
    StartedAt: localStamp(StartedAt),
    CompletedAt: CompletedAt === undefined ? undefined : localStamp(CompletedAt),
    Duration: Number(Duration),
    Error: error && { ...error, Sources: base64(error.Sources), Stack: base64(error.Stack) },
    Config: rest.Config,
  };
  return `${goJson(withoutEmpty(shown), 2)}\n`;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name, one]) => ALWAYS.includes(name) || !isEmpty(one));
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutEmpty(one)]));
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

const keyValues = (all: KeyValue[]): object[] =>
  all.map((each) => structOf({ ...each }, "history.keyValueOutput"));

/** For `--format`. */
export function inspectionFields(one: Inspection): object {
  const time = (instant: Instant) => new Stringer(localTime(instant, true), localStamp(instant));
  return structOf(
    {
      ...one,
      NamedContexts: keyValues(one.NamedContexts),
      StartedAt: time(one.StartedAt),
      CompletedAt: one.CompletedAt === undefined ? null : time(one.CompletedAt),
      Duration: new Stringer(nanosecondsText(one.Duration), Number(one.Duration)),
      Error: one.Error ? structOf({ ...one.Error }, "history.errorOutput") : null,
      BuildArgs: keyValues(one.BuildArgs),
      Labels: keyValues(one.Labels),
      Config: structOf({ ...one.Config, RestRaw: keyValues(one.Config.RestRaw) }, "history.configOutput"),
      Materials: one.Materials.map((each) => structOf({ ...each }, "history.materialOutput")),
      Attachments: one.Attachments.map((each) => structOf({ ...each }, "history.attachmentOutput")),
    },
    "history.inspectOutput",
  );
}

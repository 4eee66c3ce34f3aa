// Names of steps in a build's progress, as BuildKit names its vertices: `[stage 2/5] RUN make`, `[internal] …`.
import { formatPlatformWithVersion, normalizePlatform, parsePlatform } from "../../../oci/platform.ts";
import type { Platform } from "../../../oci/types.ts";
import { trim } from "../go-text.ts";
import type { Instruction, Mount } from "../instructions/index.ts";
import { parseHereDocumentMark } from "../syntax/index.ts";
import { type Escape, expand, type Variables } from "../words/index.ts";
import type { PlannedStage } from "./types.ts";

export const internalName = (text: string): string => `[internal] ${text}`;

/** `[internal] load metadata for …`; with the platform where several are built. */
export const metadataName = (image: string, platform?: Platform): string =>
  `[${platform ? `${formatPlatformWithVersion(platform)} ` : ""}internal] load metadata for ${image}`;

/**
 * What a stage is called in its steps' names: nothing when it is alone. As in BuildKit it isn't alone any more when it
 * copies from an image, or mounts anything.
 */
export function stageLabel(stages: readonly PlannedStage[], { label }: PlannedStage): string {
  const alone = stages.length === 1 && stages[0]!.steps.every(({ sources }) => sources.length === 0);
  return alone ? "" : label;
}

/**
 * How many steps a stage shows: its image, and what makes files; all triggers count, but in BuildKit not yet when the
 * image's own step is named. WORKDIR / counts too, though nothing is done for it and no number is used.
 */
export function countSteps(stage: PlannedStage, triggers: number): number {
  const shown = new Set(["add", "copy", "run", "workdir"]);
  const own = stage.stage.instructions.filter(({ kind }) => shown.has(kind)).length;
  // An image or a context is a step of its own.
  return own + triggers + (stage.base.kind === "image" ? 1 : 0);
}

export interface StepPlace {
  /** "" when the file has one stage only. */
  readonly stage: string;
  /** From 1. */
  readonly number: number;
  /** Of countSteps; 0: names have no place before them. */
  readonly total: number;
  readonly triggered?: boolean;
  /** Where several platforms are built: the stage's, and the variables that may say what it cross-compiles for. */
  readonly platform?: { readonly own: Platform; readonly variables: Variables };
}

/** `[linux/amd64->arm64 build 2/5] ONBUILD RUN make`. */
export function stepName(place: StepPlace, text: string): string {
  if (place.total === 0) return text;
  const platform = place.platform ? `${platformText(place.platform)} ` : "";
  const stage = place.stage ? `${place.stage} ` : "";
  const number = String(place.number).padStart(String(place.total).length, " ");
  const trigger = place.triggered ? "ONBUILD " : "";
  return `[${platform}${stage}${number}/${place.total}] ${trigger}${text}`;
}

function platformText({ own, variables }: NonNullable<StepPlace["platform"]>): string {
  const target = crossTarget(own, variables);
  const text = formatPlatformWithVersion(own);
  if (!target) return text;
  if (target.os !== own.os) return `${text}->${formatPlatformWithVersion(target)}`;
  if (target.architecture === own.architecture) return text;
  return `${text}->${target.architecture}${target.variant ? `/${target.variant}` : ""}`;
}

/** The platform that the stage's variables speak of: an ARG TARGETARCH in it means that it compiles for that. */
function crossTarget(own: Platform, variables: Variables): Platform | undefined {
  const whole = variables.get("TARGETPLATFORM");
  if (whole !== undefined)
    try {
      return parsePlatform(whole);
    } catch {
      // A build argument may say anything; then the others count.
    }
  const [os, architecture, variant] = ["TARGETOS", "TARGETARCH", "TARGETVARIANT"].map((name) =>
    variables.get(name),
  );
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  return normalizePlatform({
    os: os || own.os,
    architecture: architecture || own.architecture,
    ...(variant && { variant }),
  });
}

/**
 * What an instruction is called: as it is written, variables expanded where that goes. Secrets that RUN gets as
 * variables are shown as ****.
 */
export function instructionName(
  instruction: Instruction,
  variables: Variables,
  escapeToken: Escape,
  mounts: readonly Mount[] = [],
): string {
  if (instruction.kind !== "run")
    return upperKeyword(expanded(instruction.source, variables, { escape: escapeToken }));
  const [line = ""] = instruction.command.args;
  const [document] = instruction.command.heredocs;
  const summary = document && parseHereDocumentMark(line) ? ` (${summarize(document.content)})` : "";
  const masked = new Map<string, string>();
  for (const { type, env } of mounts) if (type === "secret" && env !== undefined) masked.set(env, "****");
  const shown: Variables = {
    get: (name) => masked.get(name) ?? variables.get(name),
    keys: () => [...variables.keys(), ...masked.keys()],
  };
  const options = { escape: escapeToken, rawQuotes: true, keepUnset: true };
  return upperKeyword(expanded(instruction.source + summary, shown, options));
}

function expanded(text: string, variables: Variables, options: Parameters<typeof expand>[2]): string {
  try {
    return expand(text, variables, options).value;
  } catch {
    return text;
  }
}

function upperKeyword(text: string): string {
  const at = text.indexOf(" ");
  return at < 0 ? text.toUpperCase() : text.slice(0, at).toUpperCase() + text.slice(at);
}

function summarize(document: string): string {
  const [first = "", ...others] = trim(document).replaceAll("\r\n", "\n").split("\n");
  return others.length > 0 ? `${first}...` : first;
}

// Links stages: bases and platforms with their variables, sources of COPY and RUN, cycles.
import { BerthError, messageOf } from "../../../base/errors.ts";
import { parsePlatform } from "../../../oci/platform.ts";
import { parseReference } from "../../../oci/reference.ts";
import type { Platform } from "../../../oci/types.ts";
import type { Linter } from "../checks/index.ts";
import { quote } from "../go-text.ts";
import type { CopyInstruction, FromInstruction, Instruction, Stage } from "../instructions/index.ts";
import { DockerfileError, type Lines, locate } from "../source.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { type Escape, type Expansion, expand } from "../words/index.ts";
import type { GlobalScope } from "./global-args.ts";
import type { Base, Origin, PlannedStage, StageTable, Step } from "./types.ts";

export interface LinkOptions {
  readonly globals: GlobalScope;
  readonly escape: Escape;
  readonly linter: Linter;
  readonly targetPlatform: Platform;
  readonly hasContext?: (stageName: string, platform: Platform) => boolean;
}

const SCRATCH = "scratch";

/**
 * Links all stages. `beforeSources` sees the stages once their bases are known: a target that isn't there is told before
 * a source that isn't. Errors: DockerfileError.
 */
export function linkStages(
  stages: readonly Stage[],
  options: LinkOptions,
  beforeSources: (stages: readonly PlannedStage[]) => void,
): PlannedStage[] {
  const before = new Map<string, number>();
  const based = stages.map((stage, index) => {
    const planned = locate(stage.from.lines, () => linkBase(index, stage, before, options));
    if (stage.from.name) before.set(stage.from.name, index);
    return planned;
  });
  beforeSources(based);
  const table = stageTable(stages);
  const linked = based.map((planned) => ({
    ...planned,
    steps: planned.stage.instructions.map((instruction) => linkStep(instruction, table, options.escape)),
  }));
  refuseCycles(linked);
  for (const stage of linked) refuseBadNames(stage);
  return linked;
}

function linkBase(
  index: number,
  stage: Stage,
  before: ReadonlyMap<string, number>,
  options: LinkOptions,
): PlannedStage {
  const { from } = stage;
  const baseName = expandFrom(from.base, from, options).value;
  if (baseName === "")
    throw new DockerfileError(`base name (${from.base}) should not be blank`, [from.lines]);
  const platform = from.platform === "" ? undefined : platformOf(from, options);
  const label = from.name || `stage-${index}`;
  const shared = { index, stage, label, baseName, ...(platform && { platform }), steps: [] };
  if (from.name && options.hasContext?.(from.name, platform ?? options.targetPlatform))
    return { ...shared, base: { kind: "context", name: from.name } };
  return { ...shared, base: baseOf(baseName, before) };
}

/** Unlike everywhere else the name of a base counts with its case. */
function baseOf(name: string, before: ReadonlyMap<string, number>): Base {
  const index = before.get(name);
  if (index !== undefined) return { kind: "stage", index };
  return name === SCRATCH ? { kind: "scratch" } : { kind: "image", name };
}

/** The table of a file's stages. */
export const stageTable = (stages: readonly Stage[]): StageTable => ({
  names: new Map(stages.flatMap(({ from }, index) => (from.name ? [[from.name, index] as const] : []))),
  count: stages.length,
});

function expandFrom(text: string, from: FromInstruction, options: LinkOptions): Expansion {
  const { globals, linter } = options;
  const expansion = expand(text, globals.values, { escape: options.escape });
  if (expansion.unmatched.size === 0) return expansion;
  const known = new Set([...globals.definitions.keys(), ...globals.values.keys()]);
  for (const name of expansion.unmatched)
    if (!known.has(name)) linter.report("UndefinedArgInFrom", from.lines, name, nearest(name, known));
  return expansion;
}

function platformOf(from: FromInstruction, options: LinkOptions): Platform {
  const { value, matched, unmatched } = expandFrom(from.platform, from, options);
  const { linter, globals } = options;
  const [only] = matched;
  if (matched.size === 1 && unmatched.size === 0 && only === "TARGETPLATFORM")
    if (value === globals.values.get(only))
      linter.report("RedundantTargetPlatform", from.lines, from.platform);
  const suggest = (message: string) => {
    const [name = ""] = [...unmatched].filter((word) => nearest(word, globals.values.keys()));
    return didYouMean(message, name, globals.values.keys());
  };
  if (value === "")
    throw new DockerfileError(suggest(`empty platform value from expression ${from.platform}`), [from.lines]);
  const platform = parsed(value, from, suggest);
  const constant = matched.size === 0 && unmatched.size === 0;
  if (constant && !from.name.includes(platform.os) && !from.name.includes(platform.architecture))
    linter.report("FromPlatformFlagConstDisallowed", from.lines, value);
  return platform;
}

function parsed(value: string, from: FromInstruction, suggest: (message: string) => string): Platform {
  try {
    return parsePlatform(value);
  } catch (thrown) {
    if (!(thrown instanceof BerthError)) throw thrown;
    const message = `failed to parse platform ${from.platform}: ${suggest(messageOf(thrown))}`;
    throw new DockerfileError(message, [from.lines], thrown);
  }
}

/** An instruction with the origins of its sources. Errors: invalid. */
export function linkStep(
  instruction: Instruction,
  table: StageTable,
  escapeToken: Escape,
  triggered = false,
): Step {
  if (instruction.kind === "copy" && instruction.from !== "")
    return { instruction, triggered, sources: [copySource(instruction, table, escapeToken)] };
  if (instruction.kind !== "run") return { instruction, triggered, sources: [] };
  const sources = instruction.mounts.map(({ from }) => originNamed(from || SCRATCH, table));
  return { instruction, triggered, sources };
}

function originNamed(name: string, { names }: StageTable): Origin {
  const index = names.get(name.toLowerCase());
  if (index !== undefined) return { kind: "stage", index };
  return name === SCRATCH ? { kind: "scratch" } : { kind: "image", name };
}

const NO_VARIABLES = new Map<string, string>();

function copySource({ from, lines }: CopyInstruction, table: StageTable, escapeToken: Escape): Origin {
  if (locate(lines, () => expand(from, NO_VARIABLES, { escape: escapeToken })).value !== from)
    throw new DockerfileError(
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
      [lines],
    );
  if (!/^[+-]?\d+$/.test(from)) return originNamed(from, table);
  const index = Number(from);
  if (index < 0 || index >= table.count) throw new DockerfileError(`invalid stage index ${index}`, [lines]);
  return { kind: "stage", index };
}

/** What isn't a stage must be an image's name, or a named context's, which has the same form. */
function refuseBadNames({ base, baseName, stage, steps }: PlannedStage): void {
  if (base.kind === "image" || base.kind === "context") refuseBadName(baseName, stage.from.lines);
  for (const { sources, instruction } of steps)
    for (const source of sources) if (source.kind === "image") refuseBadName(source.name, instruction.lines);
}

function refuseBadName(name: string, lines: Lines): void {
  try {
    parseReference(name);
  } catch (thrown) {
    throw new DockerfileError(
      `failed to parse stage name ${quote(name)}: ${messageOf(thrown)}`,
      [lines],
      thrown,
    );
  }
}

/** Stages that copy or mount from each other in a ring, or from themselves. */
function refuseCycles(stages: readonly PlannedStage[]): void {
  const done = new Set<number>();
  for (const { index, label } of stages) {
    const ring = findRing(stages, index, done);
    if (ring) throw new DockerfileError(`circular dependency detected on stage: ${label}`, ring);
  }
}

/** Depth first with a stack of its own: a file may have more stages than calls can be nested. */
function findRing(stages: readonly PlannedStage[], root: number, done: Set<number>): Lines[] | undefined {
  if (done.has(root)) return undefined;
  done.add(root);
  const path = [{ index: root, edges: edgesOf(stages[root]!), lines: undefined as Lines | undefined }];
  const onPath = new Set([root]);
  while (path.length > 0) {
    const edge = path.at(-1)!.edges.pop();
    if (!edge) {
      onPath.delete(path.pop()!.index);
      continue;
    }
    if (onPath.has(edge.to)) return [...path.flatMap(({ lines }) => lines ?? []), edge.lines].reverse();
    if (done.has(edge.to)) continue;
    done.add(edge.to);
    onPath.add(edge.to);
    path.push({ index: edge.to, edges: edgesOf(stages[edge.to]!), lines: edge.lines });
  }
  return undefined;
}

/** The stages that this one's instructions take from, last first. */
function edgesOf(stage: PlannedStage): { to: number; lines: Lines }[] {
  return stage.steps
    .flatMap(({ sources, instruction }) =>
      sources.flatMap((source) =>
        source.kind === "stage" ? [{ to: source.index, lines: instruction.lines }] : [],
      ),
    )
    .reverse();
}

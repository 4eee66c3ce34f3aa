// One instruction's effect on its stage: variables expanded, the image's configuration and history changed, warnings
// told. What it does to files is the caller's.
import { invalid } from "../../../base/errors.ts";
import type { ImageConfig, ImageRunConfig } from "../../../oci/types.ts";
import { isSecretName, type Linter, secretKind } from "../checks/index.ts";
import { quote, trim } from "../go-text.ts";
import {
  type AddInstruction,
  type ArgInstruction,
  type CopyInstruction,
  type ExposeInstruction,
  expandInstruction,
  expandMounts,
  type Instruction,
  type Mount,
  type RunInstruction,
} from "../instructions/index.ts";
import { type Lines, locate } from "../source.ts";
import { nearest } from "../suggest.ts";
import { explainRemark } from "../syntax/index.ts";
import { type Escape, type Expansion, expand, splitWords } from "../words/index.ts";
import type { GlobalScope, Values } from "./global-args.ts";
import {
  healthText,
  type Layer,
  listText,
  runText,
  transferText,
  vectorText,
  withHistory,
} from "./history.ts";
import { mountTarget, workdirPath } from "./paths.ts";
import { exposedPorts } from "./ports.ts";
import { type RunCommand, runCommand } from "./run-command.ts";
import { isSignal } from "./signals.ts";
import { DEFAULT_SHELL, runConfig, type StageState } from "./state.ts";
import { checkTransfer } from "./transfer.ts";

export interface StepContext {
  readonly escape: Escape;
  readonly globals: GlobalScope;
  readonly buildArgs: Values;
  readonly linter?: Linter;
  /** Whether `.dockerignore` excludes a path of the build context. */
  readonly isIgnored?: (path: string) => boolean;
  /** `created` of history entries, of SOURCE_DATE_EPOCH; RFC 3339. */
  readonly created?: string;
}

export interface StepResult {
  readonly state: StageState;
  /** Expanded. */
  readonly instruction: Instruction;
  /** RUN's. */
  readonly command?: RunCommand;
  readonly mounts?: readonly Mount[];
}

/** ARGs that aren't variables: they say to the scanner of packages what to look at. */
const SCANNER_ARGS = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

/** Takes one instruction. Errors: DockerfileError, at the instruction's lines. */
export function takeStep(state: StageState, instruction: Instruction, context: StepContext): StepResult {
  return locate(instruction.lines, () => {
    const reader = new VariableReader(state, instruction.lines, context);
    const expanded = expandInstruction(instruction, reader);
    if (expanded.kind === "run") return takeRun(state, expanded, reader, context);
    return { instruction: expanded, state: changed(state, expanded, context) };
  });
}

/** Expands words of one instruction, and tells of variables that nobody set. */
class VariableReader {
  constructor(
    private readonly state: StageState,
    private readonly lines: Lines,
    private readonly context: StepContext,
  ) {}

  word(text: string): string {
    return this.read(expand(text, this.state.variables, { escape: this.context.escape }));
  }

  document(text: string): string {
    return this.read(expand(text, this.state.variables, { escape: "\\", ignoreQuotes: true }));
  }

  private read({ value, unmatched }: Expansion): string {
    for (const name of unmatched) {
      if (SCANNER_ARGS.has(name) || this.state.args.some((arg) => arg.name === name)) continue;
      this.context.linter?.report(
        "UndefinedVar",
        this.lines,
        name,
        nearest(name, this.state.variables.keys()),
      );
    }
    return value;
  }
}

function takeRun(
  state: StageState,
  run: RunInstruction,
  reader: VariableReader,
  context: StepContext,
): StepResult {
  const mounts = expandMounts(run, reader);
  for (const mount of mounts) checkMount(mount, runConfig(state).WorkingDir ?? "");
  if (run.devices.length > 0)
    throw invalid("device feature is only supported in Dockerfile frontend 1.14.0-labs or later");
  const command = runCommand(run, shellOf(state));
  const text = runText(command.args, state.args, state.variables);
  return { instruction: run, command, mounts, state: withText(state, text, "content", context) };
}

function checkMount(mount: Mount, workdir: string): void {
  if (mount.type === "ssh" && mount.source !== "") throw invalid("ssh does not support source");
  if (mount.type === "ssh" || mount.type === "secret") return;
  const target = mountTarget(workdir, mount.target);
  if (target === "/") throw invalid(`invalid mount target ${quote(target)}`);
}

/** SHELL, or /bin/sh -c. */
export function shellOf(state: StageState): readonly string[] {
  const { Shell } = runConfig(state);
  return Shell && Shell.length > 0 ? Shell : DEFAULT_SHELL;
}

const withText = (state: StageState, text: string, layer: Layer, context: StepContext): StageState => ({
  ...state,
  image: withHistory(state.image, text, layer, context.created),
});

function withConfig(state: StageState, config: ImageRunConfig): StageState {
  const image: ImageConfig = { ...state.image, config: { ...runConfig(state), ...config } };
  return { ...state, image };
}

function changed(
  state: StageState,
  instruction: Exclude<Instruction, RunInstruction>,
  context: StepContext,
): StageState {
  const config = runConfig(state);
  const { lines, keyword } = instruction;
  const say = (next: StageState, text: string) => withText(next, text, "none", context);
  switch (instruction.kind) {
    case "env":
      return setVariables(state, instruction, context);
    case "label": {
      for (const { legacy } of instruction.labels)
        if (legacy) context.linter?.report("LegacyKeyValueFormat", lines, keyword);
      const pairs = instruction.labels.map(({ key, value }) => [key, value] as const);
      const next = withConfig(state, { Labels: { ...config.Labels, ...Object.fromEntries(pairs) } });
      return say(next, ["LABEL", ...pairs.map((pair) => pair.join("="))].join(" "));
    }
    case "arg":
      return defineArgs(state, instruction, context);
    case "add":
    case "copy":
      return transferred(state, instruction, context);
    case "workdir":
      return changeWorkdir(state, instruction.path, lines, context);
    case "cmd":
    case "entrypoint":
      return setCommand(state, instruction, context);
    case "healthcheck": {
      tellRepeated(state.healthcheck, keyword, context);
      const next = withConfig({ ...state, healthcheck: lines }, { Healthcheck: instruction.health });
      return say(next, healthText(instruction.health));
    }
    case "expose":
      return expose(state, instruction, context);
    case "volume": {
      const volumes = Object.fromEntries(instruction.volumes.map((path) => [path, {}]));
      if ("" in volumes) throw invalid("VOLUME specified can not be an empty string");
      const next = withConfig(state, { Volumes: { ...config.Volumes, ...volumes } });
      return say(next, listText("VOLUME", instruction.volumes));
    }
    case "user":
      return say(withConfig(state, { User: instruction.user }), `USER ${instruction.user}`);
    case "stopsignal": {
      const { signal, source } = instruction;
      if (!isSignal(signal))
        throw invalid(explainRemark(`invalid signal: ${signal}`, source, lines.start, context.escape));
      return say(withConfig(state, { StopSignal: signal }), `STOPSIGNAL ${signal}`);
    }
    case "shell":
      return say(withConfig(state, { Shell: [...instruction.shell] }), listText("SHELL", instruction.shell));
    case "maintainer": {
      const { maintainer } = instruction;
      return say({ ...state, image: { ...state.image, author: maintainer } }, `MAINTAINER ${maintainer}`);
    }
    case "onbuild":
      return withConfig(state, { OnBuild: [...(config.OnBuild ?? []), instruction.expression] });
  }
}

type Of<Kind extends Instruction["kind"]> = Extract<Instruction, { kind: Kind }>;

function setVariables(state: StageState, instruction: Of<"env">, context: StepContext): StageState {
  const { lines, keyword, variables: pairs } = instruction;
  const variables = new Map(state.variables);
  const env = [...(runConfig(state).Env ?? [])];
  for (const { key, value, legacy } of pairs) {
    if (legacy) context.linter?.report("LegacyKeyValueFormat", lines, keyword);
    tellSecret("ENV", key, value, lines, context);
    variables.set(key, value);
    const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
    if (at < 0) env.push(`${key}=${value}`);
    else env[at] = `${key}=${value}`;
  }
  const text = ["ENV", ...pairs.map(({ key, value }) => `${key}=${value}`)].join(" ");
  return withText(withConfig({ ...state, variables }, { Env: env }), text, "none", context);
}

function tellSecret(
  instruction: "ARG" | "ENV",
  name: string,
  value: string,
  lines: Lines,
  { linter }: StepContext,
): void {
  if (isSecretName(name)) linter?.report("SecretsUsedInArgOrEnv", lines, instruction, name);
  const kind = secretKind(value);
  if (kind) linter?.report("SecretValueInArgOrEnv", lines, instruction, name, kind);
}

/** A build argument wins over the default; without either the global scope's value counts. */
function defineArgs(state: StageState, instruction: ArgInstruction, context: StepContext): StageState {
  const { lines } = instruction;
  const variables = new Map(state.variables);
  const args = [...state.args];
  const reader = new VariableReader({ ...state, variables, args }, lines, context);
  const texts = instruction.definitions.map((definition) => {
    const { name, value: written } = definition;
    // A credential among the arguments that are given is the client's matter; one in the file is everybody's.
    tellSecret("ARG", name, written ?? "", lines, context);
    const value = context.buildArgs.get(name) ?? defaultOf(written, name, reader, context);
    if (value !== undefined && !SCANNER_ARGS.has(name)) variables.set(name, value);
    args.push({ ...definition, value });
    return value === undefined ? name : `${name}=${value}`;
  });
  return withText({ ...state, variables, args }, `ARG ${texts.join(" ")}`, "none", context);
}

const defaultOf = (
  written: string | undefined,
  name: string,
  reader: VariableReader,
  { globals }: StepContext,
): string | undefined => (written === undefined ? globals.values.get(name) : reader.word(written));

function transferred(
  state: StageState,
  instruction: AddInstruction | CopyInstruction,
  context: StepContext,
): StageState {
  checkTransfer(instruction);
  const fromContext = instruction.kind === "add" || instruction.from === "";
  const verb = instruction.kind === "add" ? "Add" : "Copy";
  if (fromContext)
    for (const path of instruction.sources.paths)
      if (!path.includes("://") && context.isIgnored?.(path))
        context.linter?.report("CopyIgnoredFile", instruction.lines, verb, path);
  return withText(state, transferText(instruction), "content", context);
}

function changeWorkdir(state: StageState, path: string, lines: Lines, context: StepContext): StageState {
  if (!state.workdirSet && !path.startsWith("/")) context.linter?.report("WorkdirRelativePath", lines, path);
  const workdir = workdirPath(runConfig(state).WorkingDir ?? "", path);
  const next = withConfig({ ...state, workdirSet: true }, { WorkingDir: workdir });
  return withText(next, `WORKDIR ${workdir}`, workdir === "/" ? "none" : "folder", context);
}

function tellRepeated(before: Lines | undefined, keyword: string, { linter }: StepContext): void {
  if (before) linter?.report("MultipleInstructionsDisallowed", before, keyword);
}

function setCommand(
  state: StageState,
  instruction: Of<"cmd"> | Of<"entrypoint">,
  context: StepContext,
): StageState {
  const { kind, keyword, lines, command } = instruction;
  const config = runConfig(state);
  tellRepeated(state[kind], keyword, context);
  if (command.shell && !config.Shell?.length) context.linter?.report("JSONArgsRecommended", lines, keyword);
  const args = command.shell ? [...shellOf(state), command.args.join(" ")] : [...command.args];
  const text = vectorText(kind.toUpperCase(), args);
  if (kind === "cmd")
    return withText(
      withConfig({ ...state, cmd: lines }, { Cmd: args, ArgsEscaped: true }),
      text,
      "none",
      context,
    );
  const Entrypoint = args.length > 0 ? args : null;
  // The base's CMD are arguments for the base's ENTRYPOINT.
  const Cmd = state.cmd ? config.Cmd : null;
  return withText(withConfig({ ...state, entrypoint: lines }, { Entrypoint, Cmd }), text, "none", context);
}

function expose(state: StageState, instruction: ExposeInstruction, context: StepContext): StageState {
  const { lines, ports: written, source } = instruction;
  const words = written.flatMap((port) => splitWords(port, state.variables, { escape: context.escape }));
  const explained = (message: string) => explainRemark(message, trim(source), lines.start, context.escape);
  const ports = words.flatMap((port) => rethrow(explained, () => exposedPorts(port, lines, context.linter)));
  const ExposedPorts = { ...runConfig(state).ExposedPorts };
  for (const port of ports) ExposedPorts[port] = {};
  return withText(withConfig(state, { ExposedPorts }), listText("EXPOSE", ports), "none", context);
}

function rethrow<T>(explain: (message: string) => string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof Error ? invalid(explain(thrown.message), thrown) : thrown;
  }
}

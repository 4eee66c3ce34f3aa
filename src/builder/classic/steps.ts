// The steps of a Dockerfile as Docker's first builder counts them: every instruction of the stages that the target needs, the ARGs
// before the first FROM, and a LABEL for each label that the client asks for.
import { invalid, messageOf } from "../../base/errors.ts";
import {
  DockerfileError,
  type DockerfilePlan,
  type Lines,
  linterFor,
  type PlanInputs,
  planDockerfile,
  reachableStages,
  textOf,
} from "../dockerfile/index.ts";
import { parseDockerfile } from "../dockerfile/syntax/index.ts";

export interface ClassicStep {
  /** As it is written, continued lines joined. */
  readonly text: string;
  readonly kind: string;
  /** Undefined: it isn't written in the file. */
  readonly lines?: Lines;
  /** Undefined: before the first FROM. */
  readonly stage?: number;
  /** Of FROM: the stage that it stands on. */
  readonly base?: number;
  /** Of COPY --from and its kin: files come from elsewhere than the context. */
  readonly foreign: boolean;
}

export interface ClassicPlan {
  readonly steps: readonly ClassicStep[];
  /** Build arguments that no ARG takes, sorted. */
  readonly unused: readonly string[];
}

export type StepInputs = Omit<PlanInputs, "buildArgs"> & {
  readonly buildArgs: ReadonlyMap<string, string | undefined>;
  readonly labels: ReadonlyMap<string, string>;
  /** The Dockerfile's name, for errors. */
  readonly filename: string;
};

/** Errors: invalid, in Docker's words. */
export function planSteps(bytes: Uint8Array, inputs: StepInputs): ClassicPlan {
  if (bytes.length === 0) throw new DockerfileError(`the Dockerfile (${inputs.filename}) cannot be empty`);
  const text = textOf(bytes);
  refuseBadSyntax(text, inputs.filename);
  const given = [...inputs.buildArgs].filter((pair): pair is [string, string] => pair[1] !== undefined);
  const plan = planDockerfile(text, { ...inputs, buildArgs: new Map(given) }, linterFor(text));
  const labels = [...inputs.labels].sort(([a], [b]) => (a < b ? -1 : 1));
  const steps = [
    ...plan.dockerfile.args.map(({ source, lines }): ClassicStep => {
      return { text: source, kind: "arg", lines, foreign: false };
    }),
    ...stageSteps(plan),
    ...labels.map(([name, value]): ClassicStep => {
      return { text: `LABEL ${name}=${value}`, kind: "label", stage: plan.target.index, foreign: false };
    }),
  ];
  return { steps, unused: unusedArgs(plan, inputs.buildArgs.keys()) };
}

/** What can't even be split into instructions is told with the file's name, as dockerd parses a file before all else. */
function refuseBadSyntax(text: string, filename: string): void {
  try {
    parseDockerfile(text);
  } catch (thrown) {
    throw invalid(`failed to parse ${filename}: ${messageOf(thrown)}`, thrown);
  }
}

function stageSteps(plan: DockerfilePlan): ClassicStep[] {
  const needed = reachableStages(plan.stages, plan.target);
  return plan.stages
    .filter(({ index }) => needed.has(index))
    .flatMap(({ index, stage, base, steps }) => [
      {
        text: stage.from.source,
        kind: "from",
        lines: stage.from.lines,
        stage: index,
        ...(base.kind === "stage" && { base: base.index }),
        foreign: false,
      },
      ...steps
        .filter(({ triggered }) => !triggered)
        .map(({ instruction, sources }) => ({
          text: instruction.source,
          kind: instruction.kind,
          lines: instruction.lines,
          stage: index,
          foreign: sources.length > 0,
        })),
    ]);
}

/** Arguments that need no ARG. */
const PREDEFINED = /^(?:https?|ftp|no|all)_proxy$/i;

function unusedArgs(plan: DockerfilePlan, given: Iterable<string>): string[] {
  const needed = reachableStages(plan.stages, plan.target);
  const instructions = [
    ...plan.dockerfile.args,
    ...plan.stages.filter(({ index }) => needed.has(index)).flatMap(({ stage }) => stage.instructions),
  ];
  const taken = new Set(
    instructions.flatMap((instruction) =>
      instruction.kind === "arg" ? instruction.definitions.map(({ name }) => name) : [],
    ),
  );
  return [...given].filter((name) => !taken.has(name) && !PREDEFINED.test(name)).sort();
}

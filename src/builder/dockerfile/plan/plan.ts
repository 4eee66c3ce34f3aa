// From a Dockerfile's bytes to linked stages and a target, as BuildKit's conversion begins (dockerfile2llb/convert.go),
// with the warnings that belong to it.
import { messageOf } from "../../../base/errors.ts";
import {
  type CheckOptions,
  checkNode,
  checkParsed,
  checkStages,
  checkSyntax,
  isImageName,
  Linter,
  parseCheckOptions,
} from "../checks/index.ts";
import { type Dockerfile, parseInstructions } from "../instructions/index.ts";
import { DockerfileError } from "../source.ts";
import { directiveValue, parseDockerfile } from "../syntax/index.ts";
import { expand } from "../words/index.ts";
import { globalScope, platformArgs, type Values } from "./global-args.ts";
import { linkStages, stageTable } from "./link.ts";
import { selectTarget } from "./target.ts";
import type { DockerfilePlan, PlanInputs } from "./types.ts";

const NO_VALUES: Values = new Map();

/**
 * The collector of warnings that a file asks for with `# check=…`; `override` is the build argument
 * BUILDKIT_DOCKERFILE_CHECK, which wins. Errors: DockerfileError.
 */
export function linterFor(text: string, override?: string): Linter {
  const options = (value: string, what: string): CheckOptions => {
    try {
      return parseCheckOptions(value);
    } catch (thrown) {
      throw new DockerfileError(`failed to parse ${what}: ${messageOf(thrown)}`, [], thrown);
    }
  };
  if (override !== undefined) return new Linter(options(override, "build-arg:BUILDKIT_DOCKERFILE_CHECK"));
  return new Linter(options(directiveValue(text, "check") ?? "", "check options"));
}

/** A Dockerfile's text; bytes that aren't UTF-8 become U+FFFD. */
export const textOf = (input: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);

/** Plans a Dockerfile; what it is warned of goes to `linter`. Errors: DockerfileError. */
export function planDockerfile(text: string, inputs: PlanInputs, linter: Linter): DockerfilePlan {
  const syntax = parseDockerfile(text);
  checkSyntax(syntax, linter);
  const dockerfile = parseInstructions(syntax.nodes, syntax.escape, {
    written: (node) => checkNode(node, syntax.escape, linter),
    parsed: (instruction) => checkParsed(instruction, linter),
  });
  checkStages(dockerfile, linter);
  const targetName = inputs.target || (dockerfile.stages.at(-1)?.from.name ?? "");
  const { buildPlatform, targetPlatform, buildArgs } = inputs;
  const predefined = platformArgs(buildPlatform, targetPlatform, targetName, buildArgs);
  checkDefaultBases(dockerfile, predefined, syntax.escape, linter);
  const globals = globalScope(predefined, dockerfile.args, buildArgs, syntax.escape);
  const link = { globals, escape: syntax.escape, linter, targetPlatform, hasContext: inputs.hasContext };
  const stages = linkStages(dockerfile.stages, link, (linked) => selectTarget(linked, inputs.target));
  const target = selectTarget(stages, inputs.target);
  const table = stageTable(dockerfile.stages);
  return { syntax, dockerfile, escape: syntax.escape, globals, stages, table, target, linter };
}

/** Bases must be names of images even when no build arguments are given. */
function checkDefaultBases(
  dockerfile: Dockerfile,
  predefined: Values,
  escapeToken: DockerfilePlan["escape"],
  linter: Linter,
): void {
  try {
    const { values } = globalScope(predefined, dockerfile.args, NO_VALUES, escapeToken);
    for (const { from } of dockerfile.stages) {
      const name = expand(from.base, values, { escape: escapeToken }).value;
      if (!isImageName(name)) linter.report("InvalidDefaultArgInFrom", from.lines, from.base);
    }
  } catch {
    // The same error is told with the arguments that are given, if they don't mend it.
  }
}

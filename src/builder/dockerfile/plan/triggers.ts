// ONBUILD: instructions of a base that run first in the stages on it.
import { invalid } from "../../../base/errors.ts";
import { type Instruction, parseInstruction } from "../instructions/index.ts";
import { type Lines, locate } from "../source.ts";
import { parseDockerfile } from "../syntax/index.ts";

/** The triggers that a stage of this file leaves for stages on it. */
export const triggersOf = (instructions: readonly Instruction[]): string[] =>
  instructions.flatMap((instruction) => (instruction.kind === "onbuild" ? [instruction.expression] : []));

/** A trigger's instruction, at the lines of the FROM that brings it. Errors: DockerfileError. */
export function parseTrigger(expression: string, lines: Lines): Instruction {
  return locate(lines, () => {
    let nodes: ReturnType<typeof parseDockerfile>["nodes"];
    try {
      ({ nodes } = parseDockerfile(expression));
    } catch (thrown) {
      throw invalid(thrown instanceof Error ? thrown.message : String(thrown), thrown);
    }
    const [node] = nodes;
    if (!node || nodes.length !== 1) throw invalid("onbuild trigger should be a single expression");
    const instruction = parseInstruction({ ...node, lines });
    if (instruction.kind === "from") throw invalid("FROM isn't allowed as an ONBUILD trigger");
    return instruction;
  });
}

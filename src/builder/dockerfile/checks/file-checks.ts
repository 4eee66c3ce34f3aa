// Rules that the file alone tells: spelling, names, comments.
import { parseReference } from "../../../oci/reference.ts";
import type { Dockerfile, FromInstruction, Instruction, Stage } from "../instructions/index.ts";
import type { Lines } from "../source.ts";
import { type DockerfileSyntax, findRemark, type InstructionNode } from "../syntax/index.ts";
import type { Escape } from "../words/index.ts";
import type { Linter } from "./linter.ts";

const RESERVED_STAGE_NAMES = new Set(["context", "scratch"]);

/** Rules about the text, also of a file whose instructions turn out to be wrong: call it before they are parsed. */
export function checkSyntax(syntax: DockerfileSyntax, linter: Linter): void {
  for (const line of syntax.emptyContinuations)
    linter.report("NoEmptyContinuation", { start: line, end: line });
}

/** Rules about one instruction, told before its own errors are. */
export function checkNode(node: InstructionNode, escapeToken: Escape, linter: Linter): void {
  const keyword = node.keyword.toLowerCase();
  if (keyword === "maintainer") linter.report("MaintainerDeprecated", node.lines);
  if (keyword === "from") checkFromWords(node, linter);
  checkRemark(node, escapeToken, linter);
}

function checkFromWords({ keyword, args, lines }: InstructionNode, linter: Linter): void {
  const [, as, name] = args;
  if (args.length === 3 && name !== undefined && name !== name.toLowerCase())
    linter.report("StageNameCasing", lines, name);
  if (as === undefined || args.length < 3) return;
  const wanted =
    keyword === keyword.toLowerCase()
      ? as.toLowerCase()
      : keyword === keyword.toUpperCase()
        ? as.toUpperCase()
        : as;
  if (as !== wanted) linter.report("FromAsCasing", lines, keyword, as);
}

/** Instructions that take whatever follows them as their values. */
const TAKES_REMARK = new Set("add arg copy env label maintainer user volume workdir".split(" "));
const TAKES_COMMAND = new Set("cmd entrypoint run healthcheck".split(" "));

function checkRemark(node: InstructionNode, escapeToken: Escape, linter: Linter): void {
  const { keyword, source, json, args } = node.trigger ?? node;
  const name = keyword.toLowerCase();
  // A shell takes the remark; but where the command is meant as JSON, the remark makes a shell's line of it.
  const command = name === "healthcheck" ? args[1] : args[0];
  const brokenJson = TAKES_COMMAND.has(name) && !json && /^\[\s*"[^#]*\]\s+#/.test(command ?? "");
  if (json || !(TAKES_REMARK.has(name) || brokenJson)) return;
  const remark = findRemark(source, escapeToken);
  if (remark !== undefined) linter.report("RemarkAfterInstruction", node.lines, remark, keyword);
}

/** Rules about what one instruction says, told once it is parsed. */
export function checkParsed(instruction: Instruction | FromInstruction, linter: Linter): void {
  if (instruction.kind === "from" && instruction.name)
    checkDescription("FROM", [instruction.name], instruction, linter);
  if (instruction.kind === "arg") {
    const names = instruction.definitions.map(({ name }) => name);
    checkDescription("ARG", names, instruction, linter);
  }
}

function checkDescription(
  keyword: "FROM" | "ARG",
  names: readonly string[],
  { comments, lines }: { comments: readonly string[]; lines: Lines },
  linter: Linter,
): void {
  const described = comments.at(-1)?.split(" ", 1)[0];
  if (described === undefined || names.includes(described)) return;
  const example = names.length > 1 ? "<arg_key>" : (names[0] ?? "");
  linter.report("InvalidDefinitionDescription", lines, keyword, example);
}

/** Rules about the file as a whole. */
export function checkStages(file: Dockerfile, linter: Linter): void {
  const seen = new Set<string>();
  for (const { from } of file.stages) {
    if (from.name === "") continue;
    if (RESERVED_STAGE_NAMES.has(from.name)) linter.report("ReservedStageName", from.lines, from.name);
    if (seen.has(from.name)) linter.report("DuplicateStageName", from.lines, from.name);
    seen.add(from.name);
  }
  checkCasing(file.stages, linter);
}

function checkCasing(stages: readonly Stage[], linter: Linter): void {
  const written = stages.flatMap(({ from, instructions }) => [from, ...instructions]);
  const lower = written.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = written.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const [convert, casing] =
    lower > upper
      ? [(word: string) => word.toLowerCase(), "lowercase" as const]
      : [(word: string) => word.toUpperCase(), "uppercase" as const];
  for (const { keyword, lines } of written)
    if (keyword !== convert(keyword)) linter.report("ConsistentInstructionCasing", lines, keyword, casing);
}

/** Whether a base's name could be an image's. */
export function isImageName(name: string): boolean {
  try {
    parseReference(name);
    return true;
  } catch {
    return false;
  }
}

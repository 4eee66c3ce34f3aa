// The parsed form of a template. `position` is where Go's nodes point, since execution errors name it.

export type Operand =
  | { kind: "dot"; position: number }
  | { kind: "nil"; position: number }
  | { kind: "bool"; position: number; value: boolean }
  | { kind: "number"; position: number; text: string; value: number; isInteger: boolean }
  | { kind: "string"; position: number; quoted: string; value: string }
  | { kind: "field"; position: number; names: string[] }
  | { kind: "variable"; position: number; name: string; names: string[] }
  | { kind: "function"; position: number; name: string }
  | { kind: "chain"; position: number; base: Operand; names: string[] }
  | { kind: "pipeline"; position: number; pipeline: Pipeline };

export interface Command {
  position: number;
  words: Operand[];
}

export interface Pipeline {
  position: number;
  declares: string[];
  assigns: boolean;
  commands: Command[];
}

export type Node =
  | { kind: "text"; text: string }
  | { kind: "action"; pipeline: Pipeline }
  | { kind: "if" | "with" | "range"; position: number; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  | { kind: "template"; position: number; name: string; pipeline?: Pipeline }
  | { kind: "break" | "continue"; position: number };

export interface Template {
  source: string;
  body: Node[];
  defined: Map<string, Node[]>;
}

/** An operand as Go prints its node, for the `<…>` of execution errors. */
export function show(operand: Operand): string {
  switch (operand.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(operand.value);
    case "number":
      return operand.text;
    case "string":
      return operand.quoted;
    case "field":
      return operand.names.map((name) => `.${name}`).join("");
    case "variable":
      return [operand.name, ...operand.names].join(".");
    case "function":
      return operand.name;
    case "chain":
      return `${operand.base.kind === "pipeline" ? `(${showPipeline(operand.base.pipeline)})` : show(operand.base)}${operand.names.map((name) => `.${name}`).join("")}`;
    case "pipeline":
      return showPipeline(operand.pipeline);
  }
}

export function showCommand(command: Command): string {
  return command.words.map((word) => (word.kind === "pipeline" ? `(${show(word)})` : show(word))).join(" ");
}

export function showPipeline(pipeline: Pipeline): string {
  const declares =
    pipeline.declares.length > 0 ? `${pipeline.declares.join(", ")} ${pipeline.assigns ? "=" : ":="} ` : "";
  return declares + pipeline.commands.map(showCommand).join(" | ");
}

// Go's text/template grammar: tokens to the tree of syntax.ts, with Go's error texts.
import { TemplateSyntaxError, type Token, type TokenKind, tokenize } from "./lexer.ts";
import { unquote } from "./quoting.ts";
import type { Command, Node, Operand, Pipeline, Template } from "./syntax.ts";

export function parseTemplate(source: string, knownFunctions: ReadonlySet<string>): Template {
  const parser = new Parser(source, knownFunctions);
  return { source, body: parser.top(), defined: parser.defined };
}

type Ending = "end" | "else";
interface List {
  nodes: Node[];
  ending?: Ending;
}

class Parser {
  readonly defined = new Map<string, Node[]>();
  private readonly tokens: Token[];
  private at = 0;
  /** Variables in scope; "$" is the data. */
  private variables = ["$"];
  private loops = 0;

  constructor(
    source: string,
    private readonly functions: ReadonlySet<string>,
  ) {
    this.tokens = tokenize(source);
  }

  top(): Node[] {
    const nodes: Node[] = [];
    while (this.peek().kind !== "end") {
      if (this.peekKeyword("define")) this.definition();
      else {
        const { nodes: more, ending } = this.item();
        if (ending) this.fail(`unexpected {{${ending}}}`);
        nodes.push(...more);
      }
    }
    return nodes;
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.at += 1;
    return token;
  }

  private skipSpace(): Token {
    while (this.peek().kind === "space") this.at += 1;
    return this.peek();
  }

  private nextNonSpace(): Token {
    this.skipSpace();
    return this.next();
  }

  private fail(message: string, position = this.tokens[Math.max(0, this.at - 1)]!.position): never {
    throw new TemplateSyntaxError(position, message);
  }

  private unexpected(token: Token, context: string): never {
    this.fail(`unexpected ${showToken(token)} in ${context}`, token.position);
  }

  private expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    if (token.kind !== kind) this.unexpected(token, context);
    return token;
  }

  /** True when the next action begins with the keyword. */
  private peekKeyword(word: string): boolean {
    if (this.peek().kind !== "left") return false;
    let i = this.at + 1;
    while (this.tokens[i]?.kind === "space") i += 1;
    const token = this.tokens[i];
    return token?.kind === "keyword" && token.value === word;
  }

  private definition(): void {
    this.next();
    this.nextNonSpace();
    const name = this.templateName("define clause");
    this.expect("right", "define clause");
    const outer = this.variables;
    this.variables = ["$"];
    const body = this.list("define");
    if (body.ending !== "end") this.fail("unexpected {{else}} in define clause");
    this.variables = outer;
    this.defined.set(name, body.nodes);
  }

  private templateName(context: string): string {
    const token = this.nextNonSpace();
    if (token.kind !== "string" && token.kind !== "raw-string") this.unexpected(token, context);
    return unquote(token.value) ?? this.fail("invalid syntax", token.position);
  }

  /** One text or action. `ending` is set when it was {{end}} or {{else…}}. */
  private item(): List {
    const token = this.next();
    if (token.kind === "text") return { nodes: [{ kind: "text", text: token.value }] };
    if (token.kind !== "left") this.unexpected(token, "input");
    return this.action();
  }

  /** The nodes up to {{end}} or {{else}}. */
  private list(context: string): List {
    const nodes: Node[] = [];
    while (this.peek().kind !== "end") {
      const { nodes: more, ending } = this.item();
      if (ending) return { nodes, ending };
      nodes.push(...more);
    }
    return this.fail(context === "define" ? "unexpected EOF" : "unexpected EOF", this.peek().position);
  }

  private action(): List {
    const token = this.skipSpace();
    if (token.kind === "keyword") {
      this.next();
      switch (token.value) {
        case "if":
        case "with":
        case "range":
          return { nodes: [this.control(token.value, token.position)] };
        case "end":
          this.expect("right", "end");
          return { nodes: [], ending: "end" };
        case "else":
          return this.elseClause();
        case "template":
          return { nodes: [this.templateCall()] };
        case "block":
          return { nodes: [this.block(token.position)] };
        case "break":
        case "continue":
          return { nodes: [this.loopExit(token.value, token.position)] };
        default:
          this.fail(`unexpected {{define}}`, token.position);
      }
    }
    const pipeline = this.pipeline("command", "right");
    return { nodes: [{ kind: "action", pipeline }] };
  }

  private elseClause(): List {
    const next = this.skipSpace();
    // {{else if}} and {{else with}} stay unread: control() sees the keyword and nests.
    if (next.kind === "keyword" && (next.value === "if" || next.value === "with"))
      return { nodes: [], ending: "else" };
    this.expect("right", "else");
    return { nodes: [], ending: "else" };
  }

  private control(kind: "if" | "with" | "range", position: number): Node {
    const scope = this.variables.length;
    const pipeline = this.pipeline(kind, "right");
    if (kind === "range") this.loops += 1;
    const body = this.list(kind);
    if (kind === "range") this.loops -= 1;
    let otherwise: Node[] = [];
    if (body.ending === "else") {
      const next = this.peek();
      if (next.kind === "keyword" && (next.value === "if" || next.value === "with")) {
        if (kind !== next.value) this.unexpected(next, kind === "range" ? "input" : "else");
        this.next();
        otherwise = [this.control(next.value, next.position)];
      } else {
        const rest = this.list(kind);
        if (rest.ending !== "end") this.fail("expected end; found {{else}}");
        otherwise = rest.nodes;
      }
    }
    this.variables.length = scope;
    return { kind, position, pipeline, body: body.nodes, otherwise };
  }

  private templateCall(): Node {
    const { position } = this.skipSpace();
    const name = this.templateName("template clause");
    if (this.skipSpace().kind === "right") {
      this.next();
      return { kind: "template", position, name };
    }
    return { kind: "template", position, name, pipeline: this.pipeline("template clause", "right") };
  }

  private block(position: number): Node {
    const name = this.templateName("block clause");
    const pipeline = this.pipeline("block clause", "right");
    const outer = this.variables;
    this.variables = ["$"];
    const body = this.list("block");
    if (body.ending !== "end") this.fail("unexpected {{else}} in block clause");
    this.variables = outer;
    this.defined.set(name, body.nodes);
    return { kind: "template", position, name, pipeline };
  }

  private loopExit(kind: "break" | "continue", position: number): Node {
    const next = this.nextNonSpace();
    if (next.kind !== "right") this.unexpected(next, `{{${kind}}}`);
    if (this.loops === 0) this.fail(`{{${kind}}} outside {{range}}`, position);
    return { kind, position };
  }

  private pipeline(context: string, end: "right" | "paren-right"): Pipeline {
    const first = this.skipSpace();
    const { declares, assigns } = this.declarations(context);
    const pipeline: Pipeline = { position: first.position, declares, assigns, commands: [] };
    for (;;) {
      const token = this.skipSpace();
      if (token.kind === end) {
        this.next();
        this.checkPipeline(pipeline, context);
        return pipeline;
      }
      if (!STARTS_OPERAND.has(token.kind)) {
        this.next();
        this.unexpected(token, context);
      }
      pipeline.commands.push(this.command());
    }
  }

  /** `$x :=`, `$x =`, and for range `$i, $e :=`. */
  private declarations(context: string): { declares: string[]; assigns: boolean } {
    const declares: string[] = [];
    for (;;) {
      const token = this.skipSpace();
      if (token.kind !== "variable") break;
      const before = this.at;
      this.next();
      const next = this.skipSpace();
      if (next.kind === "declare" || next.kind === "assign") {
        this.next();
        declares.push(token.value);
        this.variables.push(token.value);
        return { declares, assigns: next.kind === "assign" };
      }
      if (next.kind === "comma") {
        this.next();
        declares.push(token.value);
        this.variables.push(token.value);
        if (context === "range" && declares.length < 2) {
          const following = this.skipSpace().kind;
          if (following === "variable" || following === "right" || following === "paren-right") continue;
          this.fail("range can only initialize variables");
        }
        this.fail(`too many declarations in ${context}`);
      }
      this.at = before;
      break;
    }
    return { declares, assigns: false };
  }

  private checkPipeline(pipeline: Pipeline, context: string): void {
    if (pipeline.commands.length === 0) this.fail(`missing value for ${context}`);
    for (const [i, command] of pipeline.commands.slice(1).entries()) {
      const first = command.words[0]!;
      if (["bool", "dot", "nil", "number", "string"].includes(first.kind))
        this.fail(`non executable command in pipeline stage ${i + 2}`);
    }
  }

  private command(): Command {
    const position = this.skipSpace().position;
    const words: Operand[] = [];
    for (;;) {
      this.skipSpace();
      const operand = this.operand();
      if (operand) words.push(operand);
      const token = this.next();
      if (token.kind === "space") continue;
      if (token.kind === "right" || token.kind === "paren-right") this.at -= 1;
      else if (token.kind !== "pipe") this.unexpected(token, "operand");
      break;
    }
    if (words.length === 0) this.fail("empty command");
    return { position, words };
  }

  private operand(): Operand | undefined {
    const base = this.term();
    if (!base || this.peek().kind !== "field") return base;
    const position = this.peek().position;
    const names: string[] = [];
    while (this.peek().kind === "field") names.push(this.next().value.slice(1));
    switch (base.kind) {
      case "field":
      case "variable":
        return { ...base, position, names: [...base.names, ...names] };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        return this.fail(
          `unexpected . after term ${JSON.stringify(base.kind === "dot" ? "." : "text" in base ? base.text : base.kind === "string" ? base.quoted : base.kind === "bool" ? String(base.value) : "nil")}`,
        );
      default:
        return { kind: "chain", position, base, names };
    }
  }

  private term(): Operand | undefined {
    const token = this.nextNonSpace();
    const { position, value } = token;
    switch (token.kind) {
      case "identifier":
        if (!this.functions.has(value)) this.fail(`function ${JSON.stringify(value)} not defined`, position);
        return { kind: "function", position, name: value };
      case "dot":
        return { kind: "dot", position };
      case "nil":
        return { kind: "nil", position };
      case "variable":
        if (!this.variables.includes(value))
          this.fail(`undefined variable ${JSON.stringify(value)}`, position);
        return { kind: "variable", position, name: value, names: [] };
      case "field":
        return { kind: "field", position, names: [value.slice(1)] };
      case "bool":
        return { kind: "bool", position, value: value === "true" };
      case "number":
        return this.number(token);
      case "char":
        return this.character(token);
      case "string":
      case "raw-string":
        return {
          kind: "string",
          position,
          quoted: value,
          value: unquote(value) ?? this.fail("invalid syntax", position),
        };
      case "paren-left":
        return {
          kind: "pipeline",
          position,
          pipeline: this.pipeline("parenthesized pipeline", "paren-right"),
        };
      default:
        this.at -= 1;
        return undefined;
    }
  }

  private character(token: Token): Operand {
    const value = unquote(token.value);
    if (value === undefined || [...value].length !== 1)
      this.fail(`malformed character constant: ${token.value}`, token.position);
    return {
      kind: "number",
      position: token.position,
      text: token.value,
      value: value.codePointAt(0) ?? 0,
      isInteger: true,
    };
  }

  /** A constant with a point or an exponent is a float64, even when it is whole. */
  private number(token: Token): Operand {
    const text = token.value.replaceAll("_", "");
    const isInteger = /^[+-]?(?:[0-9]+|0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)$/.test(text);
    const sign = text.startsWith("-") ? -1 : 1;
    const digits = text.replace(/^[+-]/, "");
    const value = sign * (/^0[0-9]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits));
    if (Number.isNaN(value))
      this.fail(`illegal number syntax: ${JSON.stringify(token.value)}`, token.position);
    return { kind: "number", position: token.position, text: token.value, value, isInteger };
  }
}

const STARTS_OPERAND: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "char",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "raw-string",
  "string",
  "variable",
  "paren-left",
]);

/** A token as Go's item.String prints it in errors. */
function showToken(token: Token): string {
  if (token.kind === "end") return "EOF";
  if (token.kind === "keyword") return `<${token.value}>`;
  const text =
    token.value.length > 10 ? `${JSON.stringify(token.value.slice(0, 10))}...` : JSON.stringify(token.value);
  return text;
}

// Runs a parsed template over data (go doc text/template, "Pipelines", "Variables", "Arguments").
import { CallError, FUNCTIONS } from "./functions.ts";
import {
  type Command,
  type Node,
  type Operand,
  type Pipeline,
  show,
  showCommand,
  type Template,
} from "./syntax.ts";
import {
  callFieldMethod,
  GoFloat,
  isTrue,
  kindOf,
  mapEntries,
  NO_VALUE,
  print,
  TypedNil,
  typeName,
} from "./values.ts";

/** A template that failed while it ran; the message has Go's form: template: :LINE:COLUMN: executing … at <…>: … */
export class TemplateExecutionError extends Error {}

class LoopExit {
  constructor(readonly kind: "break" | "continue") {}
}

/** Go's limit of nested {{template}} calls. */
const MAX_DEPTH = 100_000;
/** JavaScript's stack ends far earlier than Go's; ours stops with the same words. */
const OUR_DEPTH = 1_000;

export interface ExecuteOptions {
  /** `error`: a missing map key is an error (Docker's inspect over raw JSON); else it is <no value>. */
  missingKey?: "error";
  /** The template's name in its errors. */
  name?: string;
  /** In the place of functions of these names: a table's heading passes its words through unchanged. */
  functions?: Record<string, (args: unknown[]) => unknown>;
}

export function execute(template: Template, data: unknown, options: ExecuteOptions = {}): string {
  const run = new Execution(template, options);
  run.walk(template.body, data, [{ name: "$", value: data }]);
  return run.out;
}

interface Variable {
  name: string;
  value: unknown;
}

class Execution {
  out = "";
  private depth = 0;
  private executing: string;

  constructor(
    private readonly template: Template,
    private readonly options: ExecuteOptions,
  ) {
    this.executing = options.name ?? "";
  }

  walk(nodes: Node[], dot: unknown, variables: Variable[]): void {
    for (const node of nodes) this.step(node, dot, variables);
  }

  private step(node: Node, dot: unknown, variables: Variable[]): void {
    switch (node.kind) {
      case "text":
        this.out += node.text;
        return;
      case "action": {
        const value = this.pipeline(node.pipeline, dot, variables);
        if (node.pipeline.declares.length === 0) this.out += this.printed(value);
        return;
      }
      case "if":
      case "with": {
        const scope = [...variables];
        const value = this.pipeline(node.pipeline, dot, scope);
        if (isTrue(value)) this.walk(node.body, node.kind === "with" ? value : dot, scope);
        else this.walk(node.otherwise, dot, scope);
        return;
      }
      case "range":
        this.range(node, dot, [...variables]);
        return;
      case "template":
        this.call(node, dot, variables);
        return;
      default:
        throw new LoopExit(node.kind);
    }
  }

  private printed(value: unknown): string {
    return kindOf(value) === "invalid" || value === null ? "<no value>" : print(value);
  }

  private range(node: Extract<Node, { body: Node[] }>, dot: unknown, variables: Variable[]): void {
    const [first, second] = node.pipeline.declares;
    const value = this.pipeline({ ...node.pipeline, declares: [] }, dot, variables);
    const entries = this.entries(value, node.pipeline);
    if (entries.length === 0) this.walk(node.otherwise, dot, variables);
    for (const [key, item] of entries) {
      const scope = [...variables];
      if (second) this.set(scope, node.pipeline, first ?? "", key);
      if (second ?? first) this.set(scope, node.pipeline, second ?? first ?? "", item);
      try {
        this.walk(node.body, item, scope);
      } catch (thrown) {
        if (!(thrown instanceof LoopExit)) throw thrown;
        if (thrown.kind === "break") return;
      }
    }
  }

  private entries(value: unknown, at: Pipeline): [unknown, unknown][] {
    if (value instanceof TypedNil) return [];
    switch (kindOf(value)) {
      case "slice":
        return [...(value as unknown[]).entries()];
      case "map":
        return mapEntries(value as object);
      case "int":
        return Array.from({ length: Math.max(0, Number(value)) }, (_, i) => [i, i]);
      case "invalid":
      case "nil":
        return [];
      default:
        return this.fail(at.commands[0]?.words[0], `range can't iterate over ${print(value)}`);
    }
  }

  private call(node: Extract<Node, { kind: "template" }>, dot: unknown, variables: Variable[]): void {
    const body = this.template.defined.get(node.name);
    const fail = (message: string) =>
      this.failAt(node.position, `{{template ${JSON.stringify(node.name)}}}`, message);
    if (!body) fail(`template ${JSON.stringify(node.name)} not defined`);
    if (this.depth >= OUR_DEPTH) fail(`exceeded maximum template depth (${MAX_DEPTH})`);
    const value = node.pipeline ? this.pipeline(node.pipeline, dot, variables) : NO_VALUE;
    const outer = this.executing;
    this.executing = node.name;
    this.depth += 1;
    this.walk(body ?? [], value, [{ name: "$", value }]);
    this.depth -= 1;
    this.executing = outer;
  }

  private set(variables: Variable[], pipeline: Pipeline, name: string, value: unknown): void {
    if (!pipeline.assigns) {
      variables.push({ name, value });
      return;
    }
    const variable = variables.findLast((v) => v.name === name);
    if (variable) variable.value = value;
  }

  private pipeline(pipeline: Pipeline, dot: unknown, variables: Variable[]): unknown {
    let value: unknown;
    let piped = false;
    for (const command of pipeline.commands) {
      value = this.command(command, dot, variables, piped ? [value] : []);
      piped = true;
    }
    for (const name of pipeline.declares) this.set(variables, pipeline, name, value);
    return value;
  }

  private command(command: Command, dot: unknown, variables: Variable[], final: unknown[]): unknown {
    const [first, ...rest] = command.words;
    if (!first) return NO_VALUE;
    if (first.kind === "function") return this.function(first, rest, dot, variables, final);
    const hasArguments = rest.length > 0 || final.length > 0;
    if (first.kind === "nil") this.fail(first, "nil is not a command");
    if (hasArguments && first.kind === "field") {
      const method = this.method(first, dot);
      if (method) {
        const count = rest.length + final.length;
        if (count !== method.length) this.fail(first, wrongCount(show(first).slice(1), method.length, count));
        return method(...rest.map((word) => this.operand(word, dot, variables)), ...final);
      }
    }
    if (hasArguments && !["field", "chain", "variable"].includes(first.kind))
      this.fail(first, `can't give argument to non-function ${show(first)}`);
    return this.operand(first, dot, variables, hasArguments);
  }

  /** A function that the data holds under the field's name: `.Label "key"` of a row. */
  private method(
    field: Operand & { kind: "field" },
    dot: unknown,
  ): ((...args: unknown[]) => unknown) | undefined {
    const [name = "", ...further] = field.names;
    if (further.length > 0 || kindOf(dot) !== "struct") return undefined;
    const value = own(dot as object, name)?.value;
    return typeof value === "function" ? (value as (...args: unknown[]) => unknown) : undefined;
  }

  private operand(operand: Operand, dot: unknown, variables: Variable[], hasArguments = false): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "bool":
      case "string":
        return operand.value;
      case "number":
        if (!operand.isInteger) return new GoFloat(operand.value);
        return Number.isSafeInteger(operand.value) ? operand.value : BigInt(operand.text.replaceAll("_", ""));
      case "field":
        return this.fields(operand, dot, operand.names, hasArguments);
      case "variable": {
        const value = variables.findLast((v) => v.name === operand.name)?.value;
        if (operand.names.length === 0 && hasArguments)
          this.fail(operand, `can't give argument to non-function ${show(operand)}`);
        return this.fields(operand, value, operand.names, hasArguments);
      }
      case "function":
        return this.function(operand, [], dot, variables, []);
      case "chain": {
        const base = this.operand(operand.base, dot, variables);
        if (operand.base.kind === "nil") this.fail(operand, "indirection through explicit nil in (nil)");
        return this.fields(operand, base, operand.names, hasArguments);
      }
      case "pipeline":
        return this.pipeline(operand.pipeline, dot, [...variables]);
    }
  }

  private fields(node: Operand, value: unknown, names: string[], hasArguments: boolean): unknown {
    let at = value;
    let owner: unknown;
    for (const [i, name] of names.entries()) {
      const called = callFieldMethod(owner, names[i - 1] ?? "", name);
      owner = at;
      at = called ? called.value : this.field(node, at, name, hasArguments && i === names.length - 1);
    }
    return at;
  }

  private field(node: Operand, receiver: unknown, name: string, hasArguments: boolean): unknown {
    const kind = kindOf(receiver);
    if (kind === "invalid") {
      if (this.options.missingKey === "error")
        this.fail(node, `nil data; no entry for key ${JSON.stringify(name)}`);
      return NO_VALUE;
    }
    if (kind === "nil")
      this.fail(
        node,
        `nil pointer evaluating ${receiver instanceof TypedNil ? receiver.type : "interface {}"}.${name}`,
      );
    if (kind !== "map" && kind !== "struct") {
      const type = this.options.missingKey === "error" ? "interface {}" : typeName(receiver);
      this.fail(node, `can't evaluate field ${name} in type ${type}`);
    }
    const found = receiver instanceof TypedNil ? undefined : own(receiver as object, name);
    if (found) {
      if (hasArguments)
        this.fail(
          node,
          kind === "map"
            ? `${name} is not a method but has arguments`
            : `${name} has arguments but cannot be invoked as function`,
        );
      if (typeof found.value === "function") this.fail(node, wrongCount(name, found.value.length, 0));
      return found.value;
    }
    if (kind === "struct") this.fail(node, `can't evaluate field ${name} in type ${typeName(receiver)}`);
    if (hasArguments) this.fail(node, `${name} is not a method but has arguments`);
    if (this.options.missingKey === "error")
      this.fail(node, `map has no entry for key ${JSON.stringify(name)}`);
    return NO_VALUE;
  }

  private function(
    node: Operand & { kind: "function" },
    words: Operand[],
    dot: unknown,
    variables: Variable[],
    final: unknown[],
  ): unknown {
    const { name } = node;
    const fn = FUNCTIONS[name];
    if (!fn) return this.fail(node, `${JSON.stringify(name)} is not a defined function`);
    const count = words.length + final.length;
    const [min, max] = fn.arity;
    if (count < min || count > max)
      this.fail(node, wrongCount(name, max === min ? min : `at least ${min}`, count));
    if (name === "and" || name === "or") return this.shortCircuit(name, words, dot, variables, final);
    const args = [...words, ...final].map((word, i) =>
      i < words.length
        ? this.argument(word as Operand, fn.takes?.[i], dot, variables)
        : this.checked(node, word, fn.takes?.[i]),
    );
    try {
      return (this.options.functions?.[name] ?? fn.call)(args);
    } catch (thrown) {
      if (!(thrown instanceof CallError)) throw thrown;
      return this.failAt(
        node.position,
        showCommand({ position: node.position, words: [node, ...words] }),
        `error calling ${name}: ${thrown.message.replace("ARGUMENT", words[0] ? show(words[0]) : "")}`,
      );
    }
  }

  /** One argument, of the type that the function takes. Literals are refused before anything is evaluated. */
  private argument(word: Operand, type: string | undefined, dot: unknown, variables: Variable[]): unknown {
    if (type && ["number", "string", "bool", "nil"].includes(word.kind)) {
      if (word.kind === "nil") this.fail(word, `cannot assign nil to ${type}`);
      if (type === "[]string") this.fail(word, `can't handle ${show(word)} for arg of type []string`);
      if (word.kind !== (type === "int" ? "number" : "string"))
        this.fail(word, `expected ${type === "int" ? "integer" : "string"}; found ${show(word)}`);
      if (word.kind === "number" && !word.isInteger) this.fail(word, `expected integer; found ${show(word)}`);
    }
    return this.checked(word, this.operand(word, dot, variables), type);
  }

  private checked(at: Operand, value: unknown, type: string | undefined): unknown {
    const kind = kindOf(value);
    if (!type || kind === type || (type === "[]string" && kind === "slice")) return value;
    // A nil where a list is taken is an empty list, as Docker's own nil slices are.
    if (type === "[]string" && (kind === "invalid" || kind === "nil")) return [];
    if (kind === "invalid") this.fail(at, `invalid value; expected ${type}`);
    return this.fail(
      at,
      `wrong type for value; expected ${type}; got ${kind === "nil" ? "interface {}" : typeName(value)}`,
    );
  }

  private shortCircuit(
    name: "and" | "or",
    words: Operand[],
    dot: unknown,
    variables: Variable[],
    final: unknown[],
  ): unknown {
    let value: unknown = NO_VALUE;
    for (const word of words) {
      value = this.operand(word, dot, variables);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final.length > 0 ? final[0] : value;
  }

  private fail(node: Operand | undefined, message: string): never {
    return this.failAt(node?.position ?? 0, node ? show(node) : "", message);
  }

  private failAt(position: number, context: string, message: string): never {
    throw new TemplateExecutionError(
      `template: ${this.place(position)}: executing ${JSON.stringify(this.executing)} at <${context}>: ${message}`,
    );
  }

  private place(position: number): string {
    const before = this.template.source.slice(0, position);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return `${this.options.name ?? ""}:${line}:${column}`;
  }
}

/** A field or key; Go's ID is JSON's Id in many of Docker's structures, and templates may use either. */
function own(object: object, name: string): { value: unknown } | undefined {
  for (const key of name === "ID" ? ["ID", "Id"] : [name])
    if (Object.hasOwn(object, key)) return { value: (object as Record<string, unknown>)[key] };
  return undefined;
}

const wrongCount = (name: string, wanted: number | string, count: number) =>
  `wrong number of args for ${name}: want ${wanted} got ${count}`;

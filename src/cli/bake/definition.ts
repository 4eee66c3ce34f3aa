// Bake files in HCL, evaluated: variables with what the environment says of them, functions, and blocks, of which a matrix
// makes several (docker/buildx bake/hclparser). Everything is worth something only when it is asked for, so order doesn't matter.
import { evaluate, type HclFunction, type Scope, scopeWith } from "./hcl/evaluate.ts";
import { HclError } from "./hcl/failure.ts";
import { FUNCTIONS } from "./hcl/functions/index.ts";
import type { Block, Body, Expression, Range, Value } from "./hcl/types.ts";
import { entriesOf, isMap, toList, toText } from "./hcl/values.ts";
import type { Group, Target } from "./target.ts";
import { targetOf } from "./target-fields.ts";
import { type BakeVariable, checkVariables, variableValue } from "./variables.ts";

export interface Definition {
  groups: Group[];
  targets: Target[];
  variables: BakeVariable[];
}

export interface Surroundings {
  /** `BAKE_CMD_CONTEXT` and its kin; no file may change them. */
  builtIn: Record<string, string>;
  environment: (name: string) => string | undefined;
}

/** A block under one of its names. */
interface Instance {
  block: Block;
  name: string;
  scope: Scope;
}

/** Throws an HclError for what is wrong in a file. */
export function evaluateFiles(bodies: Body[], surroundings: Surroundings): Definition {
  const blocks = bodies.flatMap((body) => body.blocks);
  const named = (type: string) =>
    new Map(blocks.filter((block) => block.type === type).map((block) => [labelOf(block), block]));
  const variables = named("variable");
  const functions = named("function");
  const constants = new Map(bodies.flatMap(({ attributes }) => attributes).map((one) => [one.name, one]));
  const values = new Map<string, Value>();
  const under = new Set<string>();
  const instances: Instance[] = [];

  /** Once, and never within itself. */
  const once = (name: string, work: () => Value): Value => {
    const known = values.get(name);
    if (known !== undefined) return known;
    if (under.has(name)) throw new Error(`variable cycle not allowed for ${name}`);
    under.add(name);
    const value = work();
    values.set(name, value);
    under.delete(name);
    return value;
  };
  const scope: Scope = {
    variable(name) {
      if (Object.hasOwn(surroundings.builtIn, name)) return surroundings.builtIn[name];
      const constant = constants.get(name);
      const block = variables.get(name);
      if (!constant && !block) return undefined;
      const place = constant?.range ?? block?.range;
      return placed("Invalid expression", place as Range, () =>
        once(name, () =>
          constant
            ? evaluate(constant.expression, scope)
            : variableValue(name, block as Block, scope, {
                ...surroundings,
                isVariable: (one) => variables.has(one),
              }),
        ),
      );
    },
    call: (name) => FUNCTIONS.get(name) ?? ownFunction(name, functions.get(name), scope),
    field(type, name, field) {
      const found = instances.filter((one) => one.block.type === type && one.name === name);
      if (found.length === 0) return undefined;
      const attribute = found.flatMap(({ block, scope: own }) =>
        block.body.attributes
          .filter((one) => one.name === field)
          .map(({ expression }) => ({ expression, own })),
      );
      const last = attribute.at(-1);
      return last ? once(`${type}.${name}.${field}`, () => evaluate(last.expression, last.own)) : null;
    },
    names: () => [...variables.keys(), ...constants.keys(), ...Object.keys(surroundings.builtIn)],
  };

  for (const block of blocks)
    if (block.type === "target" || block.type === "group") instances.push(...instancesOf(block, scope));
  refuseUnknown(blocks);
  const listed = checkVariables(variables, scope);
  const groups = instances.filter(({ block }) => block.type === "group").map(groupOf);
  const targets = instances
    .filter(({ block }) => block.type === "target")
    .map(({ block, name, scope: own }) => targetOf(block, name, own));
  return { groups: [...groups, ...matrixGroups(instances)], targets, variables: listed };
}

function labelOf({ labels, range, type }: Block): string {
  if (labels.length === 1) return labels[0] as string;
  throw new HclError("Invalid block", `A ${type} has one name, and this one has ${labels.length}.`, range);
}

/** An Error of `work` gets its place. */
export function placed<T>(summary: string, range: Range, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof HclError || !(thrown instanceof Error)) throw thrown;
    throw new HclError(summary, thrown.message, range);
  }
}

const KNOWN = new Set(["target", "group", "variable", "function"]);

function refuseUnknown(blocks: Block[]): void {
  for (const { type, range } of blocks)
    if (!KNOWN.has(type))
      throw new HclError("Unsupported block type", `Blocks of type "${type}" are not expected here.`, range);
}

const attributeOf = ({ body }: Block, name: string): Expression | undefined =>
  body.attributes.find((one) => one.name === name)?.expression;

/** A parameter's name, in HCL as a word, in JSON as a text. */
function wordOf(expression: Expression): string {
  if (expression.kind === "variable") return expression.name;
  const [part] = expression.kind === "template" ? expression.parts : [];
  if (part?.kind === "text") return part.text;
  throw new HclError("Invalid param element", "Each parameter name must be an identifier.", expression.range);
}

function ownFunction(name: string, block: Block | undefined, scope: Scope): HclFunction | undefined {
  if (!block) return undefined;
  const [params, variadic, result] = ["params", "variadic_params", "result"].map((one) =>
    attributeOf(block, one),
  );
  if (!result) throw new HclError("Invalid function", `empty result not allowed for ${name}`, block.range);
  if (!params) throw new HclError("Invalid function", `empty params not allowed for ${name}`, block.range);
  const names = params.kind === "tuple" ? params.items.map(wordOf) : [];
  const rest = variadic && wordOf(variadic);
  return (...args) => {
    if (args.length < names.length || (!rest && args.length > names.length))
      throw new Error(
        `the function takes ${rest ? "at least " : ""}${names.length} arguments, and was given ${args.length}`,
      );
    const given = Object.fromEntries(names.map((one, index) => [one, args[index] ?? null]));
    return evaluate(result, scopeWith(scope, rest ? { ...given, [rest]: args.slice(names.length) } : given));
  };
}

const NAME = /^[a-zA-Z0-9_-]+$/;

export function checkName(name: string): void {
  if (!NAME.test(name)) throw new Error('only "[a-zA-Z0-9_-]+" are allowed');
}

function instancesOf(block: Block, scope: Scope): Instance[] {
  const label = labelOf(block);
  const [place = block.range] = block.labelRanges;
  return placed("Invalid name", place, () => {
    checkName(label);
    const matrix = attributeOf(block, "matrix");
    const naming = attributeOf(block, "name");
    if (block.type === "group" && (matrix || naming))
      throw new Error(`${naming ? "name" : "matrix"} is not supported for groups`);
    if (naming && !matrix) throw new Error("name requires matrix");
    if (!matrix) return [{ block, name: label, scope }];
    const names = new Set<string>();
    return combinations(evaluate(matrix, scope)).map((values) => {
      const own = scopeWith(scope, values);
      const name = naming ? toText(evaluate(naming, own)) : label;
      checkName(name);
      if (names.has(name)) throw new Error(`duplicate name "${name}"`);
      names.add(name);
      return { block, name, scope: own };
    });
  });
}

function combinations(matrix: Value): Record<string, Value>[] {
  if (matrix === null || !isMap(matrix)) throw new Error("matrix must be a map");
  let found: Record<string, Value>[] = [{}];
  for (const [key, list] of entriesOf(matrix)) {
    if (!Array.isArray(list)) throw new Error("matrix values must be a list");
    found = list.flatMap((value) => found.map((values) => ({ ...values, [key]: value })));
  }
  return found;
}

/** What a matrix made is a group under the block's own name. */
function matrixGroups(instances: Instance[]): Group[] {
  const names = new Map<string, string[]>();
  for (const { block, name } of instances)
    if (attributeOf(block, "matrix")) names.set(labelOf(block), [...(names.get(labelOf(block)) ?? []), name]);
  return [...names]
    .filter(([label, made]) => made.length !== 1 || made[0] !== label)
    .map(([name, targets]) => ({ name, targets: [...new Set(targets)] }));
}

function groupOf({ block, name, scope }: Instance): Group {
  const targets = attributeOf(block, "targets");
  const description = attributeOf(block, "description");
  if (!targets)
    throw new HclError(
      "Missing required argument",
      'The argument "targets" is required, but no definition was found.',
      block.range,
    );
  return {
    name,
    ...(description && { description: toText(evaluate(description, scope)) }),
    targets: placed("Unsuitable value type", targets.range, () =>
      toList(evaluate(targets, scope)).map(toText),
    ),
  };
}

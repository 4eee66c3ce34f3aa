// A target's block as a target: each attribute in its field's kind.
import { evaluate, type Scope } from "./hcl/evaluate.ts";
import { HclError } from "./hcl/failure.ts";
import type { Attribute, Block, Value } from "./hcl/types.ts";
import { entriesOf, isMap, toList, toMap, toText, toTruth } from "./hcl/values.ts";
import { OPTIONS, type Written } from "./options.ts";
import { LIST_FIELDS, MAP_FIELDS, OPTION_FIELDS, type Target, TEXT_FIELDS, TRUTH_FIELDS } from "./target.ts";

const isOneOf = <T extends string>(list: readonly T[], name: string): name is T =>
  (list as readonly string[]).includes(name);

/** Throws an HclError for a value that doesn't suit its field. */
export function targetOf(block: Block, name: string, scope: Scope): Target {
  const target: Target = { name };
  const [inner] = block.body.blocks;
  if (inner)
    throw new HclError(
      "Unsupported block type",
      `Blocks of type "${inner.type}" are not expected here.`,
      inner.range,
    );
  for (const attribute of block.body.attributes) {
    if (attribute.name === "matrix" || attribute.name === "name") continue;
    const value = evaluate(attribute.expression, scope);
    try {
      set(target, attribute, value);
    } catch (thrown) {
      if (thrown instanceof HclError || !(thrown instanceof Error)) throw thrown;
      throw new HclError(
        "Unsuitable value type",
        `Unsuitable value: ${thrown.message}`,
        attribute.expression.range,
      );
    }
  }
  return target;
}

function set(target: Target, { name }: Attribute, value: Value): void {
  if (isOneOf(TEXT_FIELDS, name)) {
    if (value !== null) target[name] = toText(value);
  } else if (isOneOf(TRUTH_FIELDS, name)) {
    if (value !== null) target[name] = toTruth(value);
  } else if (isOneOf(LIST_FIELDS, name)) {
    if (value !== null)
      target[name] = toList(value)
        .filter((item) => item !== null)
        .map(toText);
  } else if (isOneOf(MAP_FIELDS, name)) {
    if (value !== null) target[name] = textMap(value);
  } else if (isOneOf(OPTION_FIELDS, name)) {
    if (value !== null) target[name] = OPTIONS[name](toList(value).filter(isSaid).map(written)) as never;
  }
  // Others are passed over, as by buildx: a file may be for a later release.
}

/** Conditions write an empty text, or null, for an option that isn't. */
const isSaid = (value: Value) => value !== "" && value !== null;

const textMap = (value: Value): Record<string, string> =>
  Object.fromEntries(
    entriesOf(toMap(value))
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, toText(item)]),
  );

function written(value: Value): Written {
  if (value === null || !isMap(value)) return toText(value);
  return Object.fromEntries(
    entriesOf(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, Array.isArray(item) ? item.map(toText) : toText(item)]),
  );
}

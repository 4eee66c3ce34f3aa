// Go's text/template, whole, for `--format`: Docker's users know it, and its scripts depend on its every corner.
import { type ExecuteOptions, execute, TemplateExecutionError } from "./evaluator.ts";
import { FUNCTIONS } from "./functions.ts";
import { TemplateSyntaxError } from "./lexer.ts";
import { parseTemplate } from "./parser.ts";

export { toJson } from "./functions.ts";
export { structOf, TypedNil } from "./values.ts";

const NAMES: ReadonlySet<string> = new Set(Object.keys(FUNCTIONS));

/** A template that can't be parsed or run. The message begins as Docker's does: "template parsing error: ". */
export class TemplateError extends Error {}

/**
 * Compiles a template. Throws TemplateError, as does the function that it gives.
 *
 *     compileTemplate("{{.Name}}: {{len .Args}}")({ Name: "a", Args: [] }) // "a: 0"
 */
export function compileTemplate(source: string, options: ExecuteOptions = {}): (data: unknown) => string {
  const template = parse(source, options.name ?? "");
  return (data) => {
    try {
      return execute(template, data, options);
    } catch (thrown) {
      if (thrown instanceof TemplateExecutionError)
        throw new TemplateError(`template parsing error: ${thrown.message}`);
      throw thrown;
    }
  };
}

function parse(source: string, name: string) {
  try {
    return parseTemplate(source, NAMES);
  } catch (thrown) {
    if (!(thrown instanceof TemplateSyntaxError)) throw thrown;
    const line = source.slice(0, thrown.position).split("\n").length;
    throw new TemplateError(`template parsing error: template: ${name}:${line}: ${thrown.message}`);
  }
}

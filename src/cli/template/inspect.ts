// `inspect --format`: Docker's CLI runs the template over its typed structure, and when that fails over the raw
// JSON, where a missing key is an error; what prints of both is what people's scripts know.

import { compileTemplate, TemplateError } from "../../base/template/index.ts";
import { asGoStructures, inspectedType } from "./go-types.ts";

/** Compiles the template of an `inspect`. Throws TemplateError at once where it can't be parsed, later where it can't run. */
export function compileInspectTemplate(source: string): (data: unknown) => string {
  const typed = compileTemplate(source);
  const raw = compileTemplate(source, { missingKey: "error" });
  return (data) => {
    try {
      return typed(asGoStructures(data, inspectedType(data)));
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      return raw(data);
    }
  };
}

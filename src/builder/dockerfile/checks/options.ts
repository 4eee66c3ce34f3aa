// `# check=skip=…;error=…;experimental=…`, and the same in the build argument BUILDKIT_DOCKERFILE_CHECK.

import { invalid } from "../../../base/errors.ts";
import { goBoolean, notGoBoolean } from "../../../base/go-boolean.ts";
import { quote, trim } from "../go-text.ts";

export interface CheckOptions {
  /** Rules that are left out; the experimental ones are not meant by it. */
  readonly skip: ReadonlySet<string> | "all";
  /** Experimental rules that are looked at. */
  readonly experimental: ReadonlySet<string> | "all";
  /** A warning fails the build. */
  readonly error: boolean;
}

export const DEFAULT_CHECKS: CheckOptions = { skip: new Set(), experimental: new Set(), error: false };

/** Errors: invalid, in BuildKit's words. */
export function parseCheckOptions(text: string): CheckOptions {
  if (trim(text) === "") return DEFAULT_CHECKS;
  let options = DEFAULT_CHECKS;
  for (const part of splitInThree(trim(text))) {
    const at = part.indexOf("=");
    if (at < 0) throw invalid(`invalid check option ${quote(part)}`);
    const [key, value] = [trim(part.slice(0, at)), trim(part.slice(at + 1))];
    if (key === "skip" || key === "experimental") options = { ...options, [key]: ruleSet(value) };
    else if (key === "error") options = { ...options, error: errorValue(part, value) };
    else throw invalid(`invalid check option ${quote(key)}`);
  }
  return options;
}

/** There are three options: what comes behind a third `;` belongs to the last one's value. */
function splitInThree(text: string): string[] {
  const parts = text.split(";");
  return parts.length > 3 ? [...parts.slice(0, 2), parts.slice(2).join(";")] : parts;
}

const ruleSet = (value: string): ReadonlySet<string> | "all" =>
  value === "all" ? "all" : new Set(value.split(",").map(trim));

function errorValue(part: string, value: string): boolean {
  const parsed = goBoolean(value);
  if (parsed === undefined)
    throw invalid(`failed to parse check option ${quote(part)}: ${notGoBoolean(value)}`);
  return parsed;
}

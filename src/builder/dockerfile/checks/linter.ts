// Collects the warnings of one build, as far as its options want them.
import { DockerfileError, type Lines, rangesOf, type SourceRange } from "../source.ts";
import type { CheckOptions } from "./options.ts";
import { RULES, type RuleName, type RuleParts } from "./rules.ts";

export interface Warning {
  readonly rule: RuleName;
  readonly description: string;
  readonly url: string;
  readonly message: string;
  readonly ranges: readonly SourceRange[];
}

export class Linter {
  private readonly found: Warning[] = [];
  constructor(private readonly options: CheckOptions) {}

  /** In the order in which they were found. */
  get warnings(): readonly Warning[] {
    return this.found;
  }

  /** Reports a violation at these lines, if the rule is wanted. */
  report<Name extends RuleName>(rule: Name, lines: Lines, ...parts: RuleParts<Name>): void {
    if (!this.wants(rule)) return;
    const { description, url, message } = RULES[rule];
    const text = (message as (...all: RuleParts<Name>) => string)(...parts);
    this.found.push({ rule, description, url, message: text, ranges: rangesOf(lines) });
  }

  private wants(rule: RuleName): boolean {
    const { skip, experimental } = this.options;
    if (RULES[rule].experimental) return experimental === "all" || experimental.has(rule);
    return skip !== "all" && !skip.has(rule);
  }

  /** With `error=true`: what a build that has warnings fails with. */
  error(): DockerfileError | undefined {
    const violated = new Set(this.found.map(({ rule }) => rule).filter((rule) => !RULES[rule].own));
    if (!this.options.error || violated.size === 0) return undefined;
    return new DockerfileError(`lint violation found for rules: ${[...violated].join(", ")}`);
  }
}

/** One line, as a build's progress shows it: `FromAsCasing: 'as' and … (line 3)`. */
export function warningLine(warning: Warning): string {
  const line = warning.ranges[0]?.start.line ?? 0;
  return `${warning.rule}: ${warning.message}${line > 0 ? ` (line ${line})` : ""}`;
}

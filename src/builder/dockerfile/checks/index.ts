// Build checks: rules, options, and the collector of warnings.
export { checkNode, checkParsed, checkStages, checkSyntax, isImageName } from "./file-checks.ts";
export { Linter, type Warning, warningLine } from "./linter.ts";
export { type CheckOptions, DEFAULT_CHECKS, parseCheckOptions } from "./options.ts";
export { RULES, type Rule, type RuleName } from "./rules.ts";
export { checkScript, SCRIPT_HEAD } from "./scripts.ts";
export { isSecretName, secretKind } from "./secrets.ts";

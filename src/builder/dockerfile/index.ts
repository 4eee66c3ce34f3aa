// The Dockerfile language: text in, instructions, warnings and plans out; no files, no network.
export { type CheckInputs, type CheckResult, checkBasePlatform, checkDockerfile } from "./check.ts";
export { checkScript, Linter, SCRIPT_HEAD, type Warning, warningLine } from "./checks/index.ts";
export type * from "./instructions/types.ts";
export * from "./plan/index.ts";
export { DockerfileError, type Lines, type Position, rangesOf, type SourceRange } from "./source.ts";
export { nearest } from "./suggest.ts";
export { detectSyntax, type SyntaxRequest } from "./syntax/index.ts";

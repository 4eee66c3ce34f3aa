// The text of a Dockerfile: lines, directives, instructions as they are written.
export { detectSyntax, directiveValue, type SyntaxRequest } from "./directives.ts";
export { type HereDocumentMark, hereDocumentText, parseHereDocumentMark } from "./heredoc.ts";
export { parseDockerfile } from "./parse.ts";
export { explainRemark, findRemark } from "./remark.ts";
export type { Directive, DockerfileSyntax, HereDocument, InstructionNode, KeyValue } from "./types.ts";

// Words of instructions: quotes, escapes, variables.
export { expand, splitWords } from "./lexer.ts";
export type { Escape, Expansion, LexerOptions, Variables } from "./types.ts";

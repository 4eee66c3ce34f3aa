// Typed instructions and stages.
export { csvFields } from "./csv.ts";
export { type Expander, expandInstruction, expandMounts } from "./expand.ts";
export { resolveMount } from "./mounts.ts";
export { type Observer, parseInstruction, parseInstructions } from "./parse.ts";
export type * from "./types.ts";

// A copied script with Windows line ends: `exec /entrypoint.sh: no such file or directory`, though the file is there.
import type { Lines } from "../source.ts";
import type { Linter } from "./linter.ts";

/** Bytes of a file's beginning that `checkScript` looks at: what the kernel reads of it (BINPRM_BUF_SIZE). */
export const SCRIPT_HEAD = 256;

/** Judges a file that the instruction at `lines` copies, by its first bytes. Anything but a script passes. */
export function checkScript(path: string, content: Uint8Array, lines: Lines, linter: Linter): void {
  if (content[0] !== 0x23 || content[1] !== 0x21) return; // "#!"
  const head = content.subarray(0, SCRIPT_HEAD);
  const end = head.indexOf(0x0a);
  if (end < 1 || head[end - 1] !== 0x0d) return;
  const interpreter = new TextDecoder().decode(head.subarray(2, end - 1)).trim();
  linter.report("ScriptWithCRLF", lines, path, interpreter);
}

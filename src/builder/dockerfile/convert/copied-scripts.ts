// Looks into scripts that are copied from the build context. It waits for the context, so it is asked for nothing but files that
// an instruction names and that could be scripts by their names.
import { posix } from "node:path";
import { marshal, type Tree } from "../../../buildkit/llb/index.ts";
import type { Platform } from "../../../oci/types.ts";
import type { FrontendBridge } from "../../frontend.ts";
import { checkScript, type Linter, SCRIPT_HEAD } from "../checks/index.ts";
import type { Lines } from "../source.ts";

export interface CopiedFile {
  /** In the context, absolute. */
  path: string;
  lines: Lines;
}

/** Bytes of the longest script that is looked at: what is larger is a program. */
const LARGEST = 256 << 10;

/** Names without an extension are programs' as often as anything's. */
const SCRIPTS = /^[^.]+$|\.(?:sh|bash|dash|ksh|zsh|py|pl|rb)$/;

/** Whether a name, without wildcards, could be a script's. */
export const couldBeScript = (path: string): boolean => SCRIPTS.test(posix.basename(path));

/** Warns of those that the kernel won't run. What can't be read is the build's own concern. */
export async function checkCopiedScripts(
  files: readonly CopiedFile[],
  context: Tree,
  platform: Platform,
  bridge: FrontendBridge,
  linter: Linter,
): Promise<void> {
  if (files.length === 0) return;
  const tree = await bridge.peek(marshal(context, { platform }), LARGEST).catch(() => undefined);
  for (const { path, lines } of tree ? files : []) {
    const head = await tree?.readFile(path, SCRIPT_HEAD).catch(() => undefined);
    if (head) checkScript(path.slice(1), head, lines, linter);
  }
}

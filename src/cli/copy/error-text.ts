// What the system said, in Go's words, which scripts of Docker's users know.
import { reason } from "../container-options/key-values.ts";

/** "no such file or directory" of an error of node:fs. */
export const errorText = (thrown: unknown): string =>
  thrown instanceof Error ? reason(thrown) : String(thrown);

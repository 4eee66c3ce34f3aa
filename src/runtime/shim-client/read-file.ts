// Files that a shim may have left, and may not.
import { readFileSync } from "node:fs";

/** Undefined for what cannot be read. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

// Paths and white space as Go's standard library has them.
import { posix } from "node:path";

/** filepath.Clean: the shortest name of the same path; "." for the empty one. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** What unicode.IsSpace takes for white space; JavaScript's has the byte order mark too, and lacks U+0085. */
const SPACE = "\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");

/** strings.TrimSpace. */
export const trimSpace = (text: string): string => text.replace(AROUND, "");

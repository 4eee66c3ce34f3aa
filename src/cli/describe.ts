// Errors in the words for a person.
import { SdkError } from "../sdk/index.ts";

/** What the daemon said is marked as such. */
export function describe(thrown: unknown): string {
  if (thrown instanceof SdkError && thrown.kind === "daemon")
    return `Error response from daemon: ${thrown.message}`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}

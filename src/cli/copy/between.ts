// What `cp` of containers and of volumes share: which side is the daemon's, and the copy itself.
import { fail } from "../framework/failure.ts";
import { flag } from "../framework/flags.ts";
import type { Session } from "../session.ts";
import type { CopyRequest } from "./from-container.ts";
import { splitArgument } from "./paths.ts";

/** Flags that both have. */
export const COPY_FLAGS = {
  "follow-link": flag.bool("Always follow symbol link in SRC_PATH", { short: "L" }),
  quiet: flag.bool(
    "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    { short: "q" },
  ),
};

/**
 * Copies between this host and a holder (a container or a volume) named before the colon in one of the two arguments.
 * Errors: failure, in Docker's words, when both or neither name one.
 */
export async function copyBetween(
  session: Session,
  [source = "", destination = ""]: readonly string[],
  { kind, ...options }: Pick<CopyRequest, "kind" | "followLink" | "copyUIDGID" | "quiet">,
  files: () => Promise<CopyRequest["files"]>,
): Promise<void> {
  if (source === "") throw fail("source can not be empty");
  if (destination === "") throw fail("destination can not be empty");
  const from = splitArgument(source);
  const to = splitArgument(destination);
  if (from.container && to.container) throw fail(`copying between ${kind}s is not supported`);
  if (!from.container && !to.container) throw fail(`must specify at least one ${kind} source`);
  const request: CopyRequest = {
    ...options,
    container: from.container || to.container,
    files: await files(),
    kind,
    source: from.path,
    destination: to.path,
  };
  if (from.container) {
    const { copyFromContainer } = await import("./from-container.ts");
    return copyFromContainer(session, request);
  }
  const { copyToContainer } = await import("./to-container.ts");
  return copyToContainer(session, request);
}

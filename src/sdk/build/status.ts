// What the daemon tells of a build while it runs.
import { GrpcError } from "../../buildkit/calls/index.ts";
import type { BuildCalls } from "./build-calls.ts";
import type { BuildEvent } from "./types.ts";

/** What happens, until the daemon says that it was all. Its end is no error: the result says how the build went. */
export async function follow(
  calls: Pick<BuildCalls, "status">,
  ref: string,
  signal: AbortSignal,
  onEvent: (event: BuildEvent) => void = () => {},
): Promise<void> {
  try {
    for await (const event of calls.status(ref, { signal })) onEvent(event);
  } catch (thrown) {
    if (!(thrown instanceof GrpcError) && !signal.aborted) throw thrown;
  }
}

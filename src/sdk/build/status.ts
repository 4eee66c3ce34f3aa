// What the daemon tells of a build while it runs.
import { GrpcError } from "../../buildkit/calls/index.ts";
import type { BuildCalls } from "./build-calls.ts";
import type { BuildEvent } from "./types.ts";

/** Milliseconds that the last events may take after the result. */
const PATIENCE = 5000;

export interface Following {
  /**
   * Resolves when the daemon has said that it was all, or takes too long for it. `hasLeft`: whoever asked for the build broke it off,
   * and of a build that nothing was heard of by then the daemon may never have known.
   */
  settle(hasLeft: boolean): Promise<void>;
}

/** Hears what happens from now on. The end of it is no error: the result says how the build went. */
export function follow(
  calls: Pick<BuildCalls, "status">,
  ref: string,
  onEvent: (event: BuildEvent) => void = () => {},
  patience = PATIENCE,
): Following {
  const done = new AbortController();
  let isHeard = false;
  const hear = async () => {
    try {
      for await (const event of calls.status(ref, { signal: done.signal })) {
        isHeard = true;
        onEvent(event);
      }
    } catch (thrown) {
      if (!(thrown instanceof GrpcError) && !done.signal.aborted) throw thrown;
    }
  };
  const heard = hear();
  return {
    async settle(hasLeft) {
      if (hasLeft && !isHeard) done.abort();
      const late = setTimeout(() => done.abort(), patience);
      await heard.finally(() => clearTimeout(late));
    },
  };
}

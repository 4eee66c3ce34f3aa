// Collections that nobody waits for: asked for by what failed and left something, done once for many who ask.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";

/** Milliseconds: long enough for parts of the same failure to let go of what they hold. */
const DELAY = 200;

export interface SoonCollector {
  ask(): void;
  /** Gives up what has not begun, and waits for what has. */
  close(): Promise<void>;
}

export function collectSoon(collect: () => Promise<unknown>): SoonCollector {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let going: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await collect();
    } catch (error) {
      log.warn("collecting garbage failed", { error: messageOf(error) });
    }
  };
  return {
    ask() {
      timer ??= setTimeout(() => {
        timer = undefined;
        going = going.then(run);
      }, DELAY);
    },
    async close() {
      clearTimeout(timer);
      await going;
    },
  };
}

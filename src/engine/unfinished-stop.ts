// A stop that was under way when its daemon ended: its signal was sent, and the row says when the patience ends.
import { type ContainerRecord, killAndWait, startedAtOf } from "../containers/index.ts";
import type { Engine } from "./types.ts";

/** Kills the container when the time of the stop is over and it still runs; at once when that was while no daemon ran. */
export function finishStop(engine: Engine, { id, killAt, state }: ContainerRecord): void {
  if (killAt === undefined) return;
  const run = startedAtOf(state);
  const timer = setTimeout(
    () => {
      const now = engine.containers.get(id);
      // It ended by itself, and may have been started anew.
      if (engine.closing.aborted || !now || startedAtOf(now.state) !== run) return;
      engine.background.run("the end of a stop", () => killAndWait(engine.containers, id));
    },
    // The wall clock may have been set meanwhile.
    Math.min(Math.max(0, killAt - Date.now()), LONGEST),
  );
  engine.closing.addEventListener("abort", () => clearTimeout(timer), { once: true });
}

/** A timer of more milliseconds would fire at once. */
const LONGEST = 2 ** 31 - 1;

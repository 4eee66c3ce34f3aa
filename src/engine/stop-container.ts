// The use cases "stop" and "restart a container".
import { BerthError, messageOf, systemError } from "../base/errors.ts";
import { isRunning, stop } from "../containers/index.ts";
import { startHeld } from "./start-container.ts";
import type { Engine, StopOptions } from "./types.ts";

/** "unchanged" (304): it didn't run. Errors: not-found, invalid (signal). */
export async function stopContainer(
  engine: Engine,
  reference: string,
  options: StopOptions,
): Promise<"stopped" | "unchanged"> {
  const record = engine.containers.find(reference);
  if (!isRunning(record.state)) return "unchanged";
  try {
    await stop(engine.containers, record.id, options);
  } catch (error) {
    if (error instanceof BerthError && error.kind === "invalid")
      throw new BerthError(error.kind, `cannot stop container: ${reference}: ${error.message}`, {
        cause: error,
      });
    // It ended by itself while we looked: that is what was asked for.
    if (!isRunning(engine.containers.get(record.id)?.state ?? { status: "created" })) return "stopped";
    throw systemError(`cannot stop container: ${reference}: ${messageOf(error)}`, error);
  }
  clearTimeout(engine.restarts.get(record.id)?.timer);
  return "stopped";
}

/** Errors: not-found, and those of a start. One with `--rm` stays: its end is not the last. */
export async function restartContainer(
  engine: Engine,
  reference: string,
  options: StopOptions,
): Promise<void> {
  const { containers } = engine;
  const { id } = containers.find(reference);
  try {
    engine.kept.add(id);
    if (isRunning(containers.find(id).state)) await stop(containers, id, options);
    await containers.locks.run(id, () => startHeld(engine, id, { reference, byUser: true }));
  } catch (error) {
    const text = `Cannot restart container ${reference}: ${messageOf(error)}`;
    throw error instanceof BerthError
      ? new BerthError(error.kind, text, { cause: error })
      : systemError(text, error);
  } finally {
    engine.kept.delete(id);
  }
  containers.emit(containers.find(id), "restart");
}
